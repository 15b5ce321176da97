/** The token that stands behind the `#` of a link in a mail: read once, and taken out of the address and the history. */
import { useLocation, useRouter } from "@tanstack/react-router";
import { useEffect, useState } from "react";

/** The token of the link that was opened last. What is made of it begins anew with another one: give it as the `key`. */
export function useLinkToken(): string | undefined {
  const router = useRouter();
  const { pathname, searchStr, hash } = useLocation();
  const [token, setToken] = useState(() => tokenIn(hash));
  const [seen, setSeen] = useState(hash);
  if (hash !== seen) {
    setSeen(hash);
    if (hash !== "") setToken(tokenIn(hash));
  }
  useEffect(() => {
    if (hash !== "") router.history.replace(pathname + searchStr);
  }, [router, pathname, searchStr, hash]);
  return token;
}

/** The token of a link, or of what stands behind its `#`. */
export function tokenIn(text: string): string | undefined {
  const token = text.trim().replace(/^.*#/s, "");
  return /^[\w-]{8,200}$/.test(token) ? token : undefined;
}
