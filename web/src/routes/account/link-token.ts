/** The token that stands behind the `#` of a link in a mail: read once, and taken out of the address and the history. */
import { useRouter } from "@tanstack/react-router";
import { useEffect, useState } from "react";

export function useLinkToken(): string | undefined {
  const router = useRouter();
  const [token] = useState(() => tokenIn(location.hash));
  useEffect(() => {
    if (location.hash !== "") router.history.replace(location.pathname + location.search);
  }, [router]);
  return token;
}

/** The token of a link, or of what stands behind its `#`. */
export function tokenIn(text: string): string | undefined {
  const token = text.trim().replace(/^.*#/s, "");
  return /^[\w-]{8,200}$/.test(token) ? token : undefined;
}
