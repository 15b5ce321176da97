/** What people wrote, as text: its lines kept, http(s) addresses linked, and nothing else made of it. */
import { Fragment } from "react";
import { classes } from "./classes";
import { ExternalLink } from "./link";

const URLS = /(https?:\/\/[^\s<>"']+)/gi;
const PUNCTUATION = /[.,;:!?)\]}'"]+$/;

interface Piece {
  text: string;
  isUrl: boolean;
  /** Where it begins. */
  at: number;
}

/** Takes a text apart at its addresses; the punctuation after one is not of it. */
export function piecesOf(text: string): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  const push = (piece: string, isUrl: boolean) => {
    if (piece !== "") pieces.push({ text: piece, isUrl, at: end });
    end += piece.length;
  };
  for (const [index, part] of text.split(URLS).entries()) {
    if (index % 2 === 0) {
      push(part, false);
      continue;
    }
    const tail = tailOf(part);
    push(part.slice(0, part.length - tail.length), true);
    push(tail, false);
  }
  return pieces;
}

/** A closing bracket is of the address that opens it. */
function tailOf(url: string): string {
  const tail = PUNCTUATION.exec(url)?.[0] ?? "";
  return tail.startsWith(")") && url.includes("(") ? tail.slice(1) : tail;
}

export interface MessageTextProps {
  text: string;
  className?: string;
  linkClassName?: string;
}

export function MessageText({ text, className, linkClassName = "text-accent underline underline-offset-2" }: MessageTextProps) {
  return (
    <p dir="auto" className={classes("wrap-anywhere whitespace-pre-wrap", className)}>
      {piecesOf(text).map((piece) => (piece.isUrl ? <ExternalLink key={piece.at} href={piece.text} className={linkClassName} /> : <Fragment key={piece.at}>{piece.text}</Fragment>))}
    </p>
  );
}
