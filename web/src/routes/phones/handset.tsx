/** One handset or mailbox of the simulator: what arrived there, and a way to answer. */
import { useQuery } from "@tanstack/react-query";
import { Mail, MessageSquareText, Smartphone, X } from "lucide-react";
import { useState } from "react";
import { IconButton } from "../../parts/button";
import { Skeleton } from "../../parts/skeleton";
import { EmptyState, ErrorState } from "../../parts/states";
import { AnswerForm } from "./answer";
import { CarriedBubble, MailRow } from "./carried";
import { type CarriedMessage, handsetQuery, handsetsQuery } from "./carrier";
import { useFollowEnd } from "./follow-end";
import { MailView } from "./mail-view";

export interface HandsetProps {
  address: string;
  /** Whom it can write to before anybody wrote to it. */
  defaultSender: string;
  onClose: () => void;
}

export function HandsetPanel({ address, defaultSender, onClose }: HandsetProps) {
  const list = useQuery(handsetsQuery);
  const handset = useQuery({ ...handsetQuery(address, list.data?.find((one) => one.address === address)), enabled: list.data !== undefined });
  const failure = handset.error ?? list.error;
  const isMailbox = address.includes("@");
  const Icon = isMailbox ? Mail : Smartphone;
  return (
    <section id={`handset-${address}`} aria-label={`${isMailbox ? "Mailbox" : "Phone"} ${address}`} className="flex h-112 min-w-0 scroll-mt-4 flex-col overflow-hidden rounded-2xl border border-line-strong bg-sunken shadow-raised">
      <header className="flex items-center gap-2 border-b bg-surface py-1 ps-3.5 pe-1">
        <Icon aria-hidden="true" className="size-4 shrink-0 text-ink-muted" />
        <h2 className="min-w-0 flex-1 truncate font-medium">
          <bdi>{address}</bdi>
        </h2>
        <IconButton icon={X} label={`Put ${address} away`} onClick={onClose} />
      </header>
      {handset.data ? (
        <Messages address={address} messages={handset.data} isMailbox={isMailbox} />
      ) : failure ? (
        <div className="min-h-0 flex-1 overflow-y-auto">
          <ErrorState error={failure} onRetry={() => void (list.isError ? list.refetch() : handset.refetch())} isRetrying={list.isFetching || handset.isFetching} />
        </div>
      ) : (
        <div role="status" className="flex min-h-0 flex-1 flex-col gap-3 p-3">
          <span className="sr-only">Loading</span>
          <Skeleton className="h-10 w-3/4 bg-surface" />
          <Skeleton className="h-10 w-2/3 bg-surface" />
        </div>
      )}
      <AnswerForm address={address} recipients={correspondents(address, handset.data ?? [], defaultSender)} />
    </section>
  );
}

function Messages({ address, messages, isMailbox }: { address: string; messages: CarriedMessage[]; isMailbox: boolean }) {
  const [opened, setOpened] = useState<CarriedMessage>();
  const { ref, onScroll } = useFollowEnd<HTMLDivElement>();
  if (messages.length === 0) {
    return (
      <div className="grid min-h-0 flex-1 place-items-center overflow-y-auto">
        <EmptyState icon={isMailbox ? Mail : MessageSquareText} title="Nothing has come yet">
          {isMailbox ? "Mails to this address open here." : "Send a text to this number, or sign up with it."}
        </EmptyState>
      </div>
    );
  }
  return (
    <>
      <div
        ref={ref}
        onScroll={onScroll}
        // Without it the keyboard could not scroll.
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        role="log"
        aria-label={`Messages on ${address}`}
        className="min-h-0 flex-1 overflow-y-auto overscroll-contain p-2.5 focus-visible:-outline-offset-2"
      >
        <ol className="flex flex-col gap-2">
        {messages.map((message) =>
          message.type === "email" ? (
            <MailRow key={message.id} message={message} isOwn={message.from === address} onOpen={() => setOpened(message)} />
          ) : (
            <CarriedBubble key={message.id} message={message} isOwn={message.from === address} />
          ),
        )}
        </ol>
      </div>
      <MailView mail={opened} onClose={() => setOpened(undefined)} />
    </>
  );
}

/** Who stands on the other side, those of the newest messages first. */
function correspondents(address: string, messages: readonly CarriedMessage[], defaultSender: string): readonly string[] {
  const others = messages.toReversed().flatMap((message) => (message.from === address ? [message.to].flat() : [message.reply_to ?? message.from]));
  const known = [...new Set(others)].filter((other) => other !== address && (other.includes("@") || /^\+?\d+$/.test(other)));
  return known.length > 0 ? known : [defaultSender];
}
