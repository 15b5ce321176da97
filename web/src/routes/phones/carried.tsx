/** One message as the carrier saw it: a bubble, or the line of a mail. */
import { Mail, Paperclip } from "lucide-react";
import { classes } from "../../parts/classes";
import { CopyButton } from "../../parts/copy-button";
import { ExternalLink, safeUrl } from "../../parts/link";
import { MessageText } from "../../parts/message-text";
import { Time } from "../../parts/time";
import type { CarriedMessage } from "./carrier";
import { findCode, isHtml, ownPicture } from "./texts";

export function CarriedBubble({ message, isOwn }: { message: CarriedMessage; isOwn: boolean }) {
  const code = isOwn ? undefined : findCode(message.body);
  return (
    <li className={classes("flex flex-col gap-1", isOwn ? "items-end" : "items-start")}>
      <div className={classes("max-w-[88%] rounded-2xl px-3 py-1.5", isOwn ? "rounded-ee-sm bg-accent text-on-accent" : "rounded-es-sm bg-surface text-ink")}>
        <span className="sr-only">{isOwn ? "Answered:" : `From ${message.from}:`}</span>
        {[...new Set(message.attachments)].map((attachment) => (
          <Attachment key={attachment} text={attachment} isOwn={isOwn} />
        ))}
        {message.body !== "" && <MessageText text={message.body} {...(isOwn && { linkClassName: "underline" })} />}
      </div>
      {code !== undefined && <CopyButton text={code} label={`Copy ${code}`} />}
      <p className="px-1 text-[0.6875rem] text-ink-muted">
        {!isOwn && <bdi>{message.from} · </bdi>}
        <Time at={message.at} form="clock" />
      </p>
    </li>
  );
}

/** What comes from elsewhere is not loaded: it is named, and linked if it can be. */
function Attachment({ text, isOwn }: { text: string; isOwn: boolean }) {
  const picture = ownPicture(text);
  if (picture !== undefined) return <img src={picture} alt="Attached" loading="lazy" className="my-1 aspect-4/3 w-full rounded-lg bg-sunken object-contain" />;
  return (
    <p className="flex items-center gap-1.5 py-0.5 text-xs">
      <Paperclip aria-hidden="true" className="size-3.5 shrink-0" />
      <span className="min-w-0 break-all">{safeUrl(text) ? <ExternalLink href={text} className={isOwn ? "underline" : undefined} /> : <bdi>{text}</bdi>}</span>
    </p>
  );
}

export function MailRow({ message, isOwn, onOpen }: { message: CarriedMessage; isOwn: boolean; onOpen: () => void }) {
  const subject = message.subject || (isOwn ? "(an answer)" : "(no subject)");
  return (
    <li>
      <button type="button" onClick={onOpen} className="flex w-full items-start gap-2.5 rounded-lg bg-surface px-3 py-2 text-start hover:bg-hover">
        <Mail aria-hidden="true" className={classes("mt-0.5 size-4 shrink-0", isOwn ? "text-ink-muted" : "text-accent")} />
        <span className="min-w-0 flex-1">
          <span className="flex items-baseline justify-between gap-2">
            <bdi className="min-w-0 truncate text-xs text-ink-muted">{isOwn ? "Answered" : message.from}</bdi>
            <Time at={message.at} form="clock" className="text-[0.6875rem] text-ink-muted" />
          </span>
          <span dir="auto" className="block truncate font-medium">
            {subject}
          </span>
          <span dir="auto" className="block truncate text-xs text-ink-muted">
            {snippet(message.body)}
          </span>
        </span>
      </button>
    </li>
  );
}

function snippet(body: string): string {
  const text = isHtml(body) ? body.replace(/<(style|script|head)\b[\s\S]*?<\/\1>/gi, " ").replace(/<[^>]*>/g, " ") : body;
  return text.replace(/\s+/g, " ").trim().slice(0, 160);
}
