/** A mail, opened: HTML stands in a frame that may do nothing; its links are listed below it. */
import { Dialog } from "../../parts/dialog";
import { ExternalLink } from "../../parts/link";
import { MessageText } from "../../parts/message-text";
import { Time } from "../../parts/time";
import type { CarriedMessage } from "./carrier";
import { findLinks, isHtml } from "./texts";

export function MailView({ mail, onClose }: { mail: CarriedMessage | undefined; onClose: () => void }) {
  return (
    <Dialog size="large" title={mail?.subject || "Mail"} isOpen={mail !== undefined} onClose={onClose}>
      {mail && <Opened mail={mail} />}
    </Dialog>
  );
}

function Opened({ mail }: { mail: CarriedMessage }) {
  // A frame without rights follows no link, so that they are listed beside it.
  const links = isHtml(mail.body) ? findLinks(mail.body) : [];
  const facts = [
    { name: "From", value: mail.from },
    { name: "To", value: [mail.to].flat().join(", ") },
    ...(mail.cc && mail.cc.length > 0 ? [{ name: "Cc", value: mail.cc.join(", ") }] : []),
    ...(mail.reply_to ? [{ name: "Answers to", value: mail.reply_to }] : []),
  ];
  return (
    <div className="flex flex-col gap-3 pb-3">
      <dl className="grid grid-cols-[auto_1fr] gap-x-3 gap-y-0.5 text-[0.8125rem]">
        {facts.map((fact) => (
          <div key={fact.name} className="contents">
            <dt className="text-ink-muted">{fact.name}</dt>
            <dd className="min-w-0 break-words">
              <bdi>{fact.value}</bdi>
            </dd>
          </div>
        ))}
        <dt className="text-ink-muted">Taken</dt>
        <dd>
          <Time at={mail.at} form="exact" />
        </dd>
      </dl>
      {isHtml(mail.body) ? (
        <iframe title={`The mail ${mail.subject ?? ""}`} sandbox="" referrerPolicy="no-referrer" srcDoc={mail.body} className="h-80 w-full rounded-md border bg-white" />
      ) : (
        <div className="rounded-md border bg-surface p-3">
          <MessageText text={mail.body} />
        </div>
      )}
      {links.length > 0 && (
        <section aria-label="Links in this mail">
          <h3 className="text-xs font-medium text-ink-muted">Links in this mail</h3>
          <ul className="flex flex-col">
            {links.map((link) => (
              <li key={link} className="py-1 break-all">
                <ExternalLink href={link} />
              </li>
            ))}
          </ul>
        </section>
      )}
      {mail.attachments.length > 0 && (
        <section aria-label="Attachments">
          <h3 className="text-xs font-medium text-ink-muted">Attachments</h3>
          <ul>
            {[...new Set(mail.attachments)].map((attachment) => (
              <li key={attachment} className="py-1 break-all">
                <ExternalLink href={attachment} />
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}
