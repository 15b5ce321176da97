/** What came with a message: pictures in place, files to download, and what is not here said so. */
import { useQuery } from "@tanstack/react-query";
import { Download, ExternalLink as ExternalIcon, FileText, ImageOff, LoaderCircle, Paperclip } from "lucide-react";
import { useState } from "react";
import { fileQuery, formatSize, isOwnFile } from "../../../api/files";
import type { Message } from "../../../api/thread";
import { classes } from "../../../parts/classes";
import { keyed } from "../../../parts/keyed";
import { ExternalLink, safeUrl } from "../../../parts/link";
import { Skeleton } from "../../../parts/skeleton";
import { timelineQuery } from "../timeline/query";
import { mediaNote } from "../timeline/words";

/** The box of a picture: always the same, so that nothing moves when it comes. */
const BOX = "block aspect-4/3 w-60 max-w-full overflow-hidden rounded-lg";

export function Attachments({ message, conversationId }: { message: Message; conversationId: number }) {
  const { attachments, type } = message;
  if (attachments.length === 0) return null;
  return (
    <ul aria-label="Attachments" className="mt-1 flex flex-wrap gap-1.5">
      {keyed(attachments, String).map(({ key, item: attachment }, index) => (
        <li key={key} className="max-w-full">
          {isOwnFile(attachment) ? (
            <OwnFile url={attachment} isLikelyPicture={type !== "email"} />
          ) : message.direction === "inbound" && type === "mms" && safeUrl(attachment) ? (
            <Remote message={message} conversationId={conversationId} position={index} url={attachment} />
          ) : (
            <Named attachment={attachment} />
          )}
        </li>
      ))}
    </ul>
  );
}

function OwnFile({ url, isLikelyPicture }: { url: string; isLikelyPicture: boolean }) {
  const { data, isPending, isError } = useQuery(fileQuery(url));
  const [isBroken, setBroken] = useState(false);
  if (isPending) return <Skeleton className={isLikelyPicture ? BOX : "h-12 w-52 rounded-lg"} />;
  if (isError || isBroken) {
    return (
      <span className="inline-flex min-h-10 items-center gap-2 rounded-lg border px-3 text-[0.8125rem] text-ink-muted">
        <ImageOff aria-hidden="true" className="size-4" />
        The file could not be loaded
      </span>
    );
  }
  const name = data.name ?? "file";
  if (data.mediaType.startsWith("image/")) {
    return (
      <a href={url} target="_blank" rel="noopener noreferrer" className={classes(BOX, "border bg-sunken")}>
        <img src={url} alt={name} decoding="async" onError={() => setBroken(true)} className="size-full object-cover" />
      </a>
    );
  }
  return (
    <a href={url} download={name} className="flex min-h-12 w-60 max-w-full items-center gap-2.5 rounded-lg border bg-surface px-3 py-1.5 hover:bg-hover">
      <FileText aria-hidden="true" className="size-5 shrink-0 text-ink-muted" />
      <span className="min-w-0 flex-1">
        <bdi className="block truncate text-[0.8125rem] font-medium">{name}</bdi>
        <span className="block text-xs text-ink-muted">
          {data.mediaType}
          {data.sizeBytes !== undefined && ` · ${formatSize(data.sizeBytes)}`}
        </span>
      </span>
      <Download aria-hidden="true" className="size-4 shrink-0 text-ink-muted" />
    </a>
  );
}

/** A picture that is still at the service it came by: the message's timeline says whether it comes. */
function Remote({ message, conversationId, position, url }: { message: Message; conversationId: number; position: number; url: string }) {
  const { data } = useQuery(timelineQuery(conversationId, message));
  const note = data && mediaNote(data.data, position);
  if (!note) return <Named attachment={url} />;
  return (
    <span className="flex max-w-80 flex-col gap-0.5 rounded-lg border bg-surface px-3 py-2 text-[0.8125rem]">
      <span className="flex items-center gap-2 font-medium">
        {note.isPending ? <LoaderCircle aria-hidden="true" className="size-4 animate-spin text-ink-muted" /> : <ImageOff aria-hidden="true" className="size-4 text-danger" />}
        {note.isPending ? "The picture is still being fetched" : "The picture could not be fetched"}
      </span>
      <span className="break-words text-ink-muted">{note.reason}</span>
      <ExternalLink href={url}>Open it where it is</ExternalLink>
    </span>
  );
}

function Named({ attachment }: { attachment: string }) {
  const url = safeUrl(attachment);
  const Icon = url ? ExternalIcon : Paperclip;
  return (
    <span className="inline-flex max-w-full items-center gap-2 rounded-lg border bg-surface px-3 py-2 text-[0.8125rem]">
      <Icon aria-hidden="true" className="size-4 shrink-0 text-ink-muted" />
      <span className="min-w-0 break-all">
        <ExternalLink href={attachment} />
      </span>
    </span>
  );
}

/** What goes with a message that is still on its way. */
export function AttachmentNames({ attachments }: { attachments: readonly string[] }) {
  if (attachments.length === 0) return null;
  return (
    <ul aria-label="Attachments" className="mt-1 flex flex-wrap gap-1.5">
      {keyed(attachments, String).map(({ key, item: attachment }) => (
        <li key={key} className="max-w-full">
          {isOwnFile(attachment) ? <OwnFile url={attachment} isLikelyPicture /> : <Named attachment={attachment} />}
        </li>
      ))}
    </ul>
  );
}
