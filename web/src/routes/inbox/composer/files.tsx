/** What is attached: how far each upload is, and the way to take it off again. */
import { useAtom, useAtomValue, useSetAtom } from "jotai";
import { CircleAlert, FileText, RotateCw, X } from "lucide-react";
import { formatSize } from "../../../api/files";
import { classes } from "../../../parts/classes";
import { IconButton } from "../../../parts/button";
import { composingAtom, removeFileAtom, retryFileAtom, type Upload } from "../../../state/composing";

export function Files({ conversationId }: { conversationId: number }) {
  return (
    <>
      <Lost conversationId={conversationId} />
      <Attached conversationId={conversationId} />
    </>
  );
}

/** What the server never had, and the browser has no more: only whoever chose it can attach it again. */
function Lost({ conversationId }: { conversationId: number }) {
  const [{ lost }, setComposing] = useAtom(composingAtom(conversationId));
  if (lost.length === 0) return null;
  return (
    <div className="mx-3 mt-2 flex items-center gap-2 rounded-lg bg-warn-soft ps-3 text-[0.8125rem] text-warn">
      <CircleAlert aria-hidden="true" className="size-4 shrink-0" />
      <p role="status" className="min-w-0 flex-1 break-words">
        Not attached, because the page was left before {lost.length === 1 ? "it was" : "they were"} uploaded: <bdi>{lost.join(", ")}</bdi>. Attach {lost.length === 1 ? "it" : "them"} again.
      </p>
      <IconButton icon={X} label="Do without" onClick={() => setComposing((now) => ({ ...now, lost: [] }))} />
    </div>
  );
}

function Attached({ conversationId }: { conversationId: number }) {
  const { files } = useAtomValue(composingAtom(conversationId));
  const remove = useSetAtom(removeFileAtom);
  const retry = useSetAtom(retryFileAtom);
  if (files.length === 0) return null;
  return (
    <ul aria-label="Attachments" className="flex flex-wrap gap-2 px-3 pt-2">
      {files.map((file) => (
        <li
          key={file.id}
          className={classes("flex max-w-full items-center gap-2 rounded-lg border bg-raised py-1 ps-2 sm:max-w-72", file.state === "failed" && "border-danger")}
        >
          <Picture file={file} />
          <div className="min-w-0 flex-1">
            <bdi className="block truncate text-[0.8125rem] font-medium">{file.name}</bdi>
            <Progress file={file} />
          </div>
          {file.state === "failed" && <IconButton icon={RotateCw} label={`Upload ${file.name} again`} onClick={() => retry(conversationId, file.id)} />}
          <IconButton icon={X} label={`Remove ${file.name}`} onClick={() => remove(conversationId, file.id)} />
        </li>
      ))}
    </ul>
  );
}

function Picture({ file }: { file: Upload }) {
  if (file.state === "failed") return <CircleAlert aria-hidden="true" className="size-5 shrink-0 text-danger" />;
  if (file.state === "done" && file.mediaType.startsWith("image/")) {
    return <img src={file.url} alt="" width={32} height={32} className="size-8 shrink-0 rounded object-cover" />;
  }
  return <FileText aria-hidden="true" className="size-5 shrink-0 text-ink-muted" />;
}

function Progress({ file }: { file: Upload }) {
  if (file.state === "failed") {
    return (
      <p role="alert" className="text-xs text-danger">
        {file.error}
      </p>
    );
  }
  if (file.state === "done") return file.sizeBytes > 0 ? <p className="text-xs text-ink-muted">{formatSize(file.sizeBytes)}</p> : null;
  return <progress aria-label={`Uploading ${file.name}`} value={file.share} max={1} className="block h-1.5 w-full" />;
}
