/** A mail: its subject, from whom to whom, and what it says, with what it quotes folded away. */
import { Ellipsis } from "lucide-react";
import { Fragment, useState } from "react";
import type { Message } from "../../../api/thread";
import { keyed } from "../../../parts/keyed";
import { MessageText } from "../../../parts/message-text";
import { formatAddress } from "../names";
import { MailFrame } from "./mail-frame";

export function MailHead({ message }: { message: Message }) {
  const { subject, from, cc = [] } = message;
  const to = typeof message.to === "string" ? [message.to] : message.to;
  return (
    <header className="mb-2 border-b pb-2">
      <h3 dir="auto" className="pe-9 text-[0.9375rem] font-semibold break-words">
        {subject || "(no subject)"}
      </h3>
      <dl className="mt-0.5 grid grid-cols-[auto_minmax(0,1fr)] gap-x-2 text-xs text-ink-muted">
        <dt>From</dt>
        <dd className="truncate text-ink">
          <bdi>{from}</bdi>
        </dd>
        <dt>To</dt>
        <dd className="break-words">
          <Addresses of={to} />
        </dd>
        {cc.length > 0 && (
          <>
            <dt>Cc</dt>
            <dd className="break-words">
              <Addresses of={cc} />
            </dd>
          </>
        )}
      </dl>
    </header>
  );
}

function Addresses({ of }: { of: readonly string[] }) {
  return keyed(of, String).map(({ key, item }, index) => (
    <Fragment key={key}>
      {index > 0 && ", "}
      <bdi>{formatAddress(item)}</bdi>
    </Fragment>
  ));
}

/** The server leaves a picture without its address where it would be loaded from elsewhere. */
export function hasForeignPictures(html: string): boolean {
  return /<img(?![^>]*\ssrc=)[^>]*>/i.test(html);
}

export function MailBody({ message }: { message: Message }) {
  const [isWhole, setWhole] = useState(false);
  const { html, new_text: fresh, text, body } = message;
  const isFolded = typeof fresh === "string" && !isWhole;
  return (
    <>
      {isFolded ? (
        fresh === "" ? null : <MessageText text={fresh} />
      ) : html ? (
        <>
          <MailFrame id={message.id} html={html} title={`Mail: ${message.subject || "no subject"}`} />
          {hasForeignPictures(html) && <p className="mt-1 text-xs text-ink-muted">Its pictures from elsewhere are not loaded: they would tell who reads it, and when.</p>}
        </>
      ) : (
        <MessageText text={text ?? body} />
      )}
      {typeof fresh === "string" && (
        <button
          type="button"
          aria-expanded={isWhole}
          aria-label={isWhole ? "Hide what it quotes" : "Show the whole mail with what it quotes"}
          title={isWhole ? "Hide what it quotes" : "Show what it quotes"}
          onClick={() => setWhole(!isWhole)}
          className="mt-2 inline-flex min-h-10 items-center rounded-md bg-sunken px-2.5 text-ink-muted hover:bg-hover sm:min-h-5"
        >
          <Ellipsis aria-hidden="true" className="size-4" />
        </button>
      )}
    </>
  );
}
