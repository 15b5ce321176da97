/** What is worth finding in a message: a login code, and links. */
import { safeUrl } from "../../parts/link";

const CODE = /(?<![\d+#/.-])\d{6}(?![\d/.-]\d)(?!\d)/;

/** The six digits of a login code, where a text speaks of one. */
export function findCode(text: string): string | undefined {
  return /\bcode\b/i.test(text) ? CODE.exec(text)?.[0] : undefined;
}

/** The links in the HTML of a mail, each once; what it would load is none. */
export function findLinks(html: string): string[] {
  const found = Array.from(html.matchAll(/\bhref\s*=\s*["']?(https?:\/\/[^\s<>"']+)/gi), ([, link = ""]) => link.replaceAll("&amp;", "&"));
  return [...new Set(found)].filter((link) => safeUrl(link) !== undefined);
}

/** Whether the body of a mail is HTML: it says so by its tags. */
export function isHtml(body: string): boolean {
  return /<(!doctype|html|body|p|div|br|h[1-6]|table|a|b|i|em|strong|span|ul|ol|img)\b[^>]*>/i.test(body);
}

/** A picture that this server serves by itself; pictures from elsewhere are not loaded. */
export function ownPicture(attachment: string): string | undefined {
  const url = safeUrl(attachment);
  if (url === undefined) return undefined;
  const { origin, pathname } = new URL(url);
  return origin === location.origin && pathname.startsWith("/api/attachments/") ? url : undefined;
}
