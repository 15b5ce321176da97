/**
 * The HTML of a mail, in a frame that runs nothing.
 *
 * Without `allow-scripts` nothing in it runs, whatever it holds; the server has taken scripts, forms and handlers out
 * before, and the policy in it lets it load no picture but the mail's own. `allow-same-origin` gives it nothing to act with,
 * and lets the page measure it and the mail's own pictures come. Links open in a window of their own.
 */
import { useAtomValue } from "jotai";
import { useEffect, useMemo, useRef, useState } from "react";
import { themeAtom } from "../../../state/theme";
import stylesheet from "./mail.css?url";

const POLICY = "default-src 'none'; img-src 'self' data:; style-src 'self'; base-uri 'none'; form-action 'none'";
const FIRST_HEIGHT = 96;
/** One that is longer scrolls in its frame. */
const MOST_HEIGHT = 20_000;

/** How high each was, so that nothing moves when it is scrolled back to. */
const heights = new Map<number, number>();

export function frameDocument(html: string, theme: string): string {
  const isForced = theme === "light" || theme === "dark";
  return [
    `<!doctype html><html${isForced ? ` data-theme="${theme}"` : ""}><head><meta charset="utf-8">`,
    `<meta http-equiv="Content-Security-Policy" content="${POLICY}"><meta name="referrer" content="no-referrer">`,
    `<base target="_blank"><link rel="stylesheet" href="${stylesheet}"></head><body dir="auto">${html}</body></html>`,
  ].join("");
}

/** How high the frame of a mail is to be. Marks a mail that is longer than that, so that it scrolls. */
export function fitFrame(mail: HTMLElement): number {
  const height = Math.ceil(mail.scrollHeight);
  mail.toggleAttribute("data-long", height > MOST_HEIGHT);
  return Math.min(height, MOST_HEIGHT);
}

export function MailFrame({ id, html, title }: { id: number; html: string; title: string }) {
  const theme = useAtomValue(themeAtom);
  const source = useMemo(() => frameDocument(html, theme), [html, theme]);
  const frame = useRef<HTMLIFrameElement>(null);
  const [height, setHeight] = useState(heights.get(id) ?? FIRST_HEIGHT);

  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    let observer: ResizeObserver | undefined;
    const measure = () => {
      const content = element.contentDocument?.body;
      if (!content) return;
      const found = fitFrame(content);
      if (found === 0) return;
      heights.set(id, found);
      setHeight(found);
    };
    const watch = () => {
      observer?.disconnect();
      const content = element.contentDocument?.body;
      if (!content) return;
      observer = new ResizeObserver(measure);
      observer.observe(content);
      measure();
    };
    element.addEventListener("load", watch);
    watch();
    return () => {
      element.removeEventListener("load", watch);
      observer?.disconnect();
    };
  }, [id]);

  return (
    <iframe
      ref={frame}
      title={title}
      srcDoc={source}
      sandbox="allow-same-origin allow-popups allow-popups-to-escape-sandbox"
      referrerPolicy="no-referrer"
      className="block w-full border-0 bg-transparent"
      style={{ height, colorScheme: theme === "system" ? "light dark" : theme }}
    />
  );
}
