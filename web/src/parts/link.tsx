/** Links: to a page of the app, and to wherever people's text points. */
import { createLink } from "@tanstack/react-router";
import type { AnchorHTMLAttributes, ReactNode, Ref } from "react";
import { classes } from "./classes";

const LOOK = "text-accent underline underline-offset-2 decoration-current/40 hover:decoration-current rounded-xs";

function Anchor({ className, ref, children, ...rest }: AnchorHTMLAttributes<HTMLAnchorElement> & { ref?: Ref<HTMLAnchorElement> }) {
  return (
    <a {...rest} ref={ref} className={className ?? LOOK}>
      {children}
    </a>
  );
}

/** A link to a page of the app; it looks like one in a text unless it is given a `className`. */
export const Link = createLink(Anchor);

/** The address if it is http(s), else nothing: nothing else that people write is ever linked. */
export function safeUrl(text: string): string | undefined {
  if (!/^https?:\/\//i.test(text)) return undefined;
  return URL.canParse(text) ? text : undefined;
}

/** A link out of the app. An address that is not http(s) is shown as text. */
export function ExternalLink({ href, className, children }: { href: string; className?: string; children?: ReactNode }) {
  const url = safeUrl(href);
  if (url === undefined) return <bdi>{children ?? href}</bdi>;
  return (
    <a href={url} target="_blank" rel="noopener noreferrer" className={className ?? classes(LOOK, "break-words")}>
      <bdi>{children ?? href}</bdi>
    </a>
  );
}
