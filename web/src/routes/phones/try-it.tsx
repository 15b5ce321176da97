/** A newcomer's path on one screen: sign up, send a text, see it delivered and answered. */
import { useQuery } from "@tanstack/react-query";
import { SendHorizontal } from "lucide-react";
import { type SubmitEvent, useState } from "react";
import { useAppFacts } from "../../api/app";
import { Problem } from "../../api/problem";
import { Button } from "../../parts/button";
import { classes } from "../../parts/classes";
import { TextArea, TextField } from "../../parts/field";
import { Link } from "../../parts/link";
import { Skeleton } from "../../parts/skeleton";
import { ErrorState, FormError } from "../../parts/states";
import { meaningOf } from "../../parts/status";
import { StatusMark } from "../../parts/status-mark";
import { Time } from "../../parts/time";
import { isAgent, useSession } from "../../state/session";
import { countSegments } from "../../segments";
import { senderFor } from "./senders";
import { readAddress } from "./shown";
import { tailQuery, useSend } from "./try-sending";
import type { Schemas } from "../../api/client";

export function TryIt({ shown, onShow }: { shown: readonly string[]; onShow: (address: string) => void }) {
  const [conversation, setConversation] = useState<number>();
  return (
    <div className="flex flex-col gap-3">
      <SendForm
        shown={shown}
        onSent={(message, to) => {
          setConversation(message.conversation_id);
          onShow(to);
        }}
      />
      {conversation !== undefined && <Tail conversation={conversation} />}
    </div>
  );
}

function SendForm({ shown, onSent }: { shown: readonly string[]; onSent: (message: Schemas["Message"], to: string) => void }) {
  const session = useSession();
  const [typed, setTyped] = useState<string>();
  const [text, setText] = useState("Hello! Do you hear me?");
  const [subject, setSubject] = useState("Hello");
  const [problem, setProblem] = useState<string>();
  const facts = useAppFacts();
  const send = useSend();
  const own = session.kind === "user" ? shown.find((address) => address === session.user.mobile) : undefined;
  const to = typed ?? own ?? shown.find((address) => !address.includes("@")) ?? shown[0] ?? "";
  const isMail = to.includes("@");
  const refusal = send.error instanceof Problem ? send.error : undefined;
  const segments = countSegments(text);

  const onSubmit = (event: SubmitEvent) => {
    event.preventDefault();
    const read = readAddress(to);
    if ("problem" in read) return setProblem(read.problem);
    setProblem(undefined);
    send.mutate(
      { from: senderFor(read.address, facts), to: read.address, text, subject },
      {
        onSuccess: (message) => {
          setText("");
          onSent(message, read.address);
        },
      },
    );
  };

  return (
    <form onSubmit={onSubmit} noValidate className="flex flex-col gap-2.5">
      <TextField label="To" list="phones-shown" autoComplete="off" value={to} hint={`From ${senderFor(to, facts)}`} error={problem ?? refusal?.field("to")} onChange={(event) => setTyped(event.target.value)} />
      <datalist id="phones-shown">
        {shown.map((address) => (
          <option key={address} value={address}>
            {address}
          </option>
        ))}
      </datalist>
      {isMail && <TextField label="Subject" value={subject} error={refusal?.field("subject")} onChange={(event) => setSubject(event.target.value)} />}
      <TextArea
        label={isMail ? "Mail" : "Text"}
        value={text}
        rows={2}
        error={refusal?.field("body")}
        hint={isMail ? undefined : `${segments.count} ${segments.count === 1 ? "segment" : "segments"}, ${segments.left} characters left in it`}
        onChange={(event) => setText(event.target.value)}
      />
      {refusal && refusal.errors.length > 0 ? null : <FormError error={send.error} />}
      <Button type="submit" tone="accent" icon={SendHorizontal} isBusy={send.isPending} disabled={text.trim() === ""}>
        {isMail ? "Send the mail" : "Send the text"}
      </Button>
    </form>
  );
}

function Tail({ conversation }: { conversation: number }) {
  const session = useSession();
  const tail = useQuery(tailQuery(conversation));
  if (tail.isError && !tail.data) return <ErrorState error={tail.error} onRetry={() => void tail.refetch()} isRetrying={tail.isFetching} />;
  return (
    <section aria-label="What became of it" className="rounded-lg bg-sunken p-2.5">
      {tail.data ? (
        <div role="log" aria-label="Messages and their states">
          <Messages messages={tail.data} />
        </div>
      ) : (
        <Skeleton className="h-10 bg-surface" />
      )}
      {isAgent(session) && (
        <p className="mt-2 text-[0.8125rem]">
          <Link to="/inbox/$conversationId" params={{ conversationId: String(conversation) }}>
            Open it in the inbox
          </Link>
        </p>
      )}
    </section>
  );
}

function Messages({ messages }: { messages: readonly Schemas["Message"][] }) {
  return (
    <ol className="flex flex-col gap-2">
      {messages.map((message) => {
        const isOut = message.direction === "outbound";
        const meaning = meaningOf(message.status);
        const needsWords = meaning.tone === "danger" || meaning.tone === "warn";
        return (
          <li key={message.id} className={classes("flex flex-col gap-0.5", isOut ? "items-end" : "items-start")}>
            <p dir="auto" className={classes("max-w-[92%] rounded-2xl px-3 py-1.5 whitespace-pre-wrap [overflow-wrap:anywhere]", isOut ? "rounded-ee-sm bg-accent-soft" : "rounded-es-sm bg-surface")}>
              <span className="sr-only">{isOut ? "Sent:" : "Answer:"}</span>
              {message.subject ? <strong className="block">{message.subject}</strong> : null}
              {message.text ?? message.body}
              {message.attachments.length > 0 && <span className="block text-xs text-ink-muted">{message.attachments.length} attached</span>}
            </p>
            <p className="flex items-center gap-2 px-1 text-[0.6875rem] text-ink-muted">
              <Time at={message.timestamp} form="clock" />
              {isOut ? <StatusMark status={message.status} reason={message.status_reason} /> : "Answered"}
            </p>
            {isOut && needsWords && <p className="px-1 text-end text-xs text-ink-muted">{meaning.sentence}</p>}
          </li>
        );
      })}
    </ol>
  );
}
