/** What a composer knows and does: the text, its way, what is wrong with it, and how it is sent. */
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useAtom, useAtomValue, useSetAtom } from "jotai";
import { useEffect, useMemo } from "react";
import { appQuery, useAppFacts } from "../../../api/app";
import { api, body } from "../../../api/client";
import { contactQuery, type Conversation } from "../../../api/conversations";
import { keys } from "../../../api/keys";
import { type Message, type Thread, threadQuery } from "../../../api/thread";
import { useNow } from "../../../parts/clock";
import { countSegments } from "../../../segments";
import { composingAtom } from "../../../state/composing";
import { draftAtom } from "../../../state/drafts";
import { type OutgoingDraft, outgoingAtom, sendAtom, type SendRequest } from "../../../state/outgoing";
import { isAgent, useSession } from "../../../state/session";
import { useTyping } from "../../../use-live";
import { textType, type Way, waysOf } from "./ways";

/** Older ones say nothing of how to go on. */
const MOST_LOOKED_AT = 200;

/** Only what the ways are made of: the composer is not drawn anew for a status. */
function newest(thread: { pages: readonly { data: readonly Message[] }[] }): Message[] {
  return thread.pages.flatMap((page) => page.data).slice(0, MOST_LOOKED_AT);
}

const NO_MESSAGES: readonly Message[] = [];

export type ComposerState = ReturnType<typeof useComposer>;

export function useComposer(conversation: Conversation) {
  const { id, kind } = conversation;
  const client = useQueryClient();
  const session = useSession();
  const app = useAppFacts();
  const [text, keepText] = useAtom(draftAtom(id));
  const [composing, setComposing] = useAtom(composingAtom(id));
  const send = useSetAtom(sendAtom);
  const now = useNow();
  const tell = useTyping(id);
  const isTeam = kind === "numbers" && isAgent(session);
  const contactId = conversation.contact?.id;
  const contact = useQuery({ ...contactQuery(contactId ?? 0), enabled: isTeam && contactId !== undefined });
  const thread = useInfiniteQuery({ ...threadQuery(id), select: newest, enabled: kind === "numbers" });
  const isAsked = useQuery(appQuery).isLoading || thread.isLoading;
  const messages = thread.data ?? NO_MESSAGES;
  const addresses = contact.data?.addresses;
  const ways = useMemo(
    () => waysOf({ messages, addresses: addresses ?? [], defaultSender: app.defaultSender, senders: app.senders }),
    [messages, addresses, app.defaultSender, app.senders],
  );
  const lastWay = useAtomValue(outgoingAtom(id)).findLast(({ state }) => state !== "failed")?.way;
  const way = wayOf({ ways, chosen: composing.way, last: lastWay, isAsked });
  const isWayMissing = way === undefined && composing.way !== undefined && ways.length > 0;
  const isNote = composing.mode === "note" && isTeam;
  const isText = way?.channel === "sms" && kind === "numbers";
  const segments = isText && !isNote ? countSegments(text) : undefined;
  const speakers = session.kind === "operator" && kind !== "numbers" ? conversation.participants : undefined;
  const speaker = speakers && (composing.speaker ?? speakers[0]);

  const note = useMutation({
    mutationFn: (words: string) => body(api.POST("/api/conversations/{id}/notes", { params: { path: { id } }, body: { body: words } })),
    onSuccess: (_, saved) => {
      // What was typed while it was saved stays.
      setComposing((now) => (now.note === saved ? { ...now, note: "" } : now));
      void client.invalidateQueries({ queryKey: keys.notes(id) });
      void client.invalidateQueries({ queryKey: keys.activity(id) });
    },
  });

  // What comes in while it is written does not send it elsewhere.
  const isBegun = isTeam && (text !== "" || composing.files.length > 0);
  const begunWay = isBegun ? way?.id : undefined;
  useEffect(() => {
    if (begunWay !== undefined) setComposing((now) => (now.way === undefined ? { ...now, way: begunWay } : now));
  }, [begunWay, setComposing]);

  const words = isNote ? composing.note : text;
  const isTimeOver = composing.scheduledAt !== undefined && Date.parse(composing.scheduledAt) <= now;
  const obstacle = isNote
    ? noteObstacle(words)
    : messageObstacle({
        text,
        nowhere: kind === "numbers" && way === undefined ? nowhere(isWayMissing, isAsked || contact.isLoading) : undefined,
        files: composing.files,
        lost: composing.lost.length,
        segments: segments?.count,
        maxSegments: app.maxSegments,
        isTimeOver,
      });

  function write(next: string) {
    if (isNote) {
      setComposing((now) => ({ ...now, note: next }));
      // One that is being saved goes on: it is not to be saved twice.
      if (note.isError) note.reset();
      return;
    }
    keepText(next);
    if (next === "" && composing.files.length === 0) setComposing((now) => ({ ...now, way: undefined }));
    tell(next !== "");
  }

  /** Whether it went. */
  function submit(): boolean {
    if (obstacle !== undefined) return false;
    if (isNote) {
      if (!note.isPending) note.mutate(words);
      return true;
    }
    const attachments = composing.files.flatMap((file) => (file.state === "done" ? [file.url] : []));
    const after = newestId(client.getQueryData<Thread>(keys.messages(id)), conversation);
    send(draftOf({ conversation, way, text, attachments, after, subject: composing.subject.trim(), scheduledAt: composing.scheduledAt, speaker }));
    keepText("");
    setComposing((now) => ({ ...now, files: [], lost: [], subject: "", scheduledAt: undefined, way: undefined }));
    tell(false);
    return true;
  }

  return { id, kind, text: words, write, composing, setComposing, ways, way, isWayMissing, isTeam, isNote, isText, segments, obstacle, isTimeOver, submit, speakers, speaker, note, maxSegments: app.maxSegments };
}

interface Choice {
  ways: readonly Way[];
  /** The `id` of the one that was chosen. */
  chosen: string | undefined;
  /** The `id` of the one by which the last message goes that the server does not have yet. */
  last: string | undefined;
  /** Whether it is still asked which there are. */
  isAsked: boolean;
}

/** A way that was chosen becomes no other. */
function wayOf({ ways, chosen, last, isAsked }: Choice): Way | undefined {
  if (chosen !== undefined) return ways.find(({ id }) => id === chosen);
  return isAsked ? undefined : (ways.find(({ id }) => id === last) ?? ways[0]);
}

function nowhere(isWayMissing: boolean, isAsked: boolean): string {
  if (!isWayMissing) return "No address is known yet to send it to";
  return isAsked ? "The way you chose is still being looked for" : "The way you chose is not there now: choose one";
}

function noteObstacle(text: string): string | undefined {
  return text.trim() === "" ? "Write the note first" : undefined;
}

interface Written {
  text: string;
  /** Why there is no address to send it to. */
  nowhere: string | undefined;
  files: readonly { state: string }[];
  lost: number;
  segments: number | undefined;
  maxSegments: number;
  isTimeOver: boolean;
}

/** Why it cannot be sent as it is, in a sentence. */
export function messageObstacle({ text, nowhere, files, lost, segments = 0, maxSegments, isTimeOver }: Written): string | undefined {
  if (nowhere !== undefined) return nowhere;
  if (files.some((file) => file.state === "uploading")) return "A file is still being uploaded";
  if (files.some((file) => file.state === "failed")) return "A file was not uploaded: try it again, or remove it";
  if (lost > 0) return "A file is not attached: attach it again, or do without";
  if (text.trim() === "" && files.length === 0) return "Write something first";
  if (segments > maxSegments) return `A text has at most ${maxSegments} segments; this one has ${segments}`;
  if (isTimeOver) return "The time it was to be sent at is over: choose another";
  return undefined;
}

function newestId(thread: Thread | undefined, conversation: Conversation): number {
  const known = thread?.pages[0]?.data.map((message) => message.id) ?? [];
  return Math.max(conversation.last_message?.id ?? 0, ...known);
}

interface Sending {
  conversation: Pick<Conversation, "id">;
  way: Way | undefined;
  text: string;
  attachments: readonly string[];
  after: number;
  subject: string;
  scheduledAt: string | undefined;
  speaker: string | undefined;
}

/** What is asked of the server: what its writer was shown, whatever comes in meanwhile. */
export function draftOf({ conversation, way, text, attachments, after, subject, scheduledAt, speaker }: Sending): OutgoingDraft {
  const common = { conversationId: conversation.id, body: text, attachments, after };
  const base = { body: text, attachments: [...attachments] };
  if (!way) {
    const request: SendRequest = { route: "reply", body: { ...base, ...(speaker !== undefined && { sender_user_name: speaker }) } };
    return { ...common, type: "chat", request };
  }
  const time = scheduledAt === undefined ? {} : { scheduled_at: scheduledAt };
  const shown = { ...common, ...(scheduledAt !== undefined && { scheduledAt }), to: way.to.join(", "), way: way.id };
  const [only] = way.to;
  const to = way.to.length === 1 && only !== undefined ? only : [...way.to];
  if (way.channel === "sms") {
    const type = textType(way, attachments.length);
    return { ...shown, type, request: { route: "sms", body: { ...base, ...time, type, from: way.from, to } } };
  }
  const mail = { ...base, ...time, ...(subject !== "" && { subject }) };
  const request: SendRequest =
    way.answers === undefined
      ? { route: "email", body: { ...mail, from: way.from, to } }
      : { route: "reply", body: { ...mail, type: "email", in_reply_to: way.answers } };
  return { ...shown, type: "email", ...(subject !== "" && { subject }), request };
}
