/** Tells screen readers what comes in, and what is refused, while the thread is open: each once, and a flood as a number. */
import { useAtomValue } from "jotai";
import { useEffect, useRef } from "react";
import type { Message } from "../../../api/thread";
import { announce } from "../../../parts/announce";
import { outgoingAtom } from "../../../state/outgoing";
import { formatAddress, snippetOf } from "../names";
import type { ThreadPages } from "./rows";

/** What comes within it is told together. */
const PAUSE_MS = 2_000;

export function useArrivals(thread: ThreadPages | undefined): void {
  /** The newest that was here ever; none is known before the thread was read. */
  const newest = useRef<number>(undefined);
  const waiting = useRef<Message[]>([]);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => {
    if (!thread) return;
    const messages = thread.pages[0]?.data ?? [];
    const before = newest.current;
    newest.current = Math.max(before ?? 0, ...messages.map(({ id }) => id));
    if (before === undefined) return;
    const arrived = messages.filter(({ id, direction }) => id > before && direction === "inbound");
    if (arrived.length === 0) return;
    waiting.current = [...arrived, ...waiting.current];
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      announce(sentenceOf(waiting.current));
      waiting.current = [];
    }, PAUSE_MS);
  }, [thread]);
  useEffect(() => () => clearTimeout(timer.current), []);
}

/** The newest comes first. */
function sentenceOf(messages: readonly Message[]): string {
  const [last] = messages;
  if (!last) return "";
  const said = `${formatAddress(last.from)}: ${snippetOf(last) || "an attachment"}`;
  return messages.length === 1 ? said : `${messages.length} new messages. The last is from ${said}`;
}

/** Tells what the server refused, wherever the thread is scrolled to. */
export function useRefusals(conversation: number): void {
  const rows = useAtomValue(outgoingAtom(conversation));
  const known = useRef<ReadonlySet<string>>(undefined);
  useEffect(() => {
    const failed = rows.filter(({ state }) => state === "failed");
    for (const { key, error } of failed) {
      if (known.current && !known.current.has(key)) announce(`Not sent. ${error ?? "The server refused it."}`);
    }
    known.current = new Set(failed.map(({ key }) => key));
  }, [rows]);
}
