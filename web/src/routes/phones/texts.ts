/** What is worth finding in a message: a login code, and links. */
import { safeUrl } from "../../parts/link";

const CODE = /(?<![\d+#/.-])\d{6}(?![\d/.-]\d)(?!\d)/;
const LINK = /https?:\/\/[^\s<>"']+/gi;

/** The six digits of a login code, where a text speaks of one. */
export function findCode(text: string): string | undefined {
  return /\bcode\b/i.test(text) ? CODE.exec(text)?.[0] : undefined;
}

/** The links in the HTML of a mail, each once; what it would load is none. */
export function findLinks(html: string): string[] {
  const found = Array.from(html.matchAll(/\bhref\s*=\s*["']?(https?:\/\/[^\s<>"']+)/gi), ([, link = ""]) => link.replaceAll("&amp;", "&"));
  return [...new Set(found)].filter((link) => safeUrl(link) !== undefined);
}

export interface Piece {
  /** Where it begins. */
  at: number;
  text: string;
  isLink: boolean;
}

/** A text in pieces, in order, so that its links can be links. */
export function pieces(text: string): Piece[] {
  const parts: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    const link = match[0].replace(/[).,;:!?\]]+$/, "");
    if (match.index > end) parts.push({ at: end, text: text.slice(end, match.index), isLink: false });
    parts.push({ at: match.index, text: link, isLink: true });
    end = match.index + link.length;
  }
  if (end < text.length) parts.push({ at: end, text: text.slice(end), isLink: false });
  return parts;
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
