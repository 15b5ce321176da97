/** What people wrote, as text: its lines kept, http(s) addresses linked, and nothing else made of it. */
import { Fragment } from "react";
import { classes } from "../../../parts/classes";
import { ExternalLink } from "../../../parts/link";

const URLS = /(https?:\/\/[^\s<>"']+)/gi;
const PUNCTUATION = /[.,;:!?)\]}'"]+$/;

export interface Piece {
  text: string;
  isUrl: boolean;
}

/** Takes a text apart at its addresses; the punctuation after one is not of it. */
export function piecesOf(text: string): Piece[] {
  return text.split(URLS).flatMap((part, index): Piece[] => {
    if (index % 2 === 0) return part === "" ? [] : [{ text: part, isUrl: false }];
    const isBalanced = part.includes("(");
    const tail = isBalanced ? "" : (PUNCTUATION.exec(part)?.[0] ?? "");
    const url = part.slice(0, part.length - tail.length);
    return tail === "" ? [{ text: url, isUrl: true }] : [{ text: url, isUrl: true }, { text: tail, isUrl: false }];
  });
}

export function MessageText({ text, className }: { text: string; className?: string }) {
  return (
    <p dir="auto" className={classes("break-words whitespace-pre-wrap", className)}>
      {piecesOf(text).map((piece, index) =>
        piece.isUrl ? <ExternalLink key={index} href={piece.text} className="break-all text-accent underline underline-offset-2" /> : <Fragment key={index}>{piece.text}</Fragment>,
      )}
    </p>
  );
}
