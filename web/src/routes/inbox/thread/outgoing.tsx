/** A message that the server does not have yet: on its way, waiting for the server, or refused. */
import { useAtomValue, useSetAtom } from "jotai";
import { CalendarClock, CircleAlert, Clock, LoaderCircle, Pencil, RotateCw, Trash2 } from "lucide-react";
import { useState } from "react";
import { Button } from "../../../parts/button";
import { classes } from "../../../parts/classes";
import { useNow } from "../../../parts/clock";
import { ConfirmDialog } from "../../../parts/dialog";
import { MessageText } from "../../../parts/message-text";
import { Time } from "../../../parts/time";
import { formatMoment } from "../../../parts/when";
import { takeBackAtom } from "../../../state/composing";
import { isOnlineAtom } from "../../../state/online";
import { dropOutgoingAtom, longTrouble, type Outgoing, retryOutgoingAtom, type Trouble } from "../../../state/outgoing";
import { focusComposer } from "../composer/focus";
import { focusThread } from "../focus";
import { AttachmentNames } from "./attachments";

export function OutgoingEntry({ outgoing }: { outgoing: Outgoing }) {
  const { state, body, attachments, subject, scheduledAt } = outgoing;
  const trouble = longTrouble(outgoing, useNow());
  const isOnline = useAtomValue(isOnlineAtom);
  return (
    <div className="flex flex-col items-end py-0.5">
      <div
        className={classes(
          "max-w-[85%] min-w-0 rounded-2xl rounded-ee-md bg-accent-soft px-3 py-2 sm:max-w-[75%]",
          state === "failed" ? "border border-danger" : "opacity-75",
        )}
      >
        {subject && <p className="font-semibold break-words">{subject}</p>}
        {body !== "" && <MessageText text={body} />}
        <AttachmentNames attachments={attachments} />
        {scheduledAt !== undefined && <Scheduled at={scheduledAt} />}
        <p role="status" className="mt-0.5 flex items-center justify-end gap-1 text-xs text-ink-muted">
          {state === "sending" && (
            <>
              <LoaderCircle aria-hidden="true" className="size-3.5 animate-spin" /> Sending
            </>
          )}
          {state === "waiting" && (
            <>
              <Clock aria-hidden="true" className="size-3.5" /> {isOnline ? "Not sent yet" : "Kept here; sent when the server is reached"}
            </>
          )}
          {state === "failed" && (
            <span className="flex items-center gap-1 text-danger">
              <CircleAlert aria-hidden="true" className="size-3.5" /> Not sent
            </span>
          )}
        </p>
      </div>
      {state === "failed" && <Refused outgoing={outgoing} />}
      {trouble && <Troubled outgoing={outgoing} trouble={trouble} />}
    </div>
  );
}

/** When it is to go, as its writer chose. */
function Scheduled({ at }: { at: string }) {
  const isOver = Date.parse(at) <= useNow();
  return (
    <p className={classes("mt-0.5 flex items-center justify-end gap-1 text-xs", isOver ? "text-warn" : "text-ink-muted")}>
      <CalendarClock aria-hidden="true" className="size-3.5 shrink-0" />
      <span>
        {isOver ? "Was to be sent" : "To be sent"} {formatMoment(new Date(at))}
        {isOver && "; that time is over"}
      </span>
    </p>
  );
}

/** What the server answers instead of taking it, and the ways on. */
function Troubled({ outgoing, trouble }: { outgoing: Outgoing; trouble: Trouble }) {
  const retry = useSetAtom(retryOutgoingAtom);
  const takeBack = useSetAtom(takeBackAtom);
  const [isAsking, setAsking] = useState(false);
  // What is being tried may be taken now.
  const isTrying = outgoing.state === "sending";
  return (
    <div className="mt-1 flex max-w-[88%] flex-col items-end gap-1">
      <p className="text-end text-[0.8125rem] break-words text-warn">
        <span role="status">The server answers with an error: {trouble.error}</span> It is kept here, and tried again at{" "}
        <Time at={new Date(trouble.nextAt).toISOString()} />.
      </p>
      <div className="flex flex-wrap justify-end gap-1">
        <Button size="small" icon={RotateCw} isBusy={isTrying} onClick={() => retry(outgoing.key)}>
          Try now
        </Button>
        <Button size="small" icon={Pencil} disabled={isTrying} onClick={() => setAsking(true)}>
          Take back
        </Button>
      </div>
      <ConfirmDialog
        title="Take it back?"
        description="It may have been taken already. Look before you send it again."
        action="Take back"
        isOpen={isAsking}
        isBusy={isTrying}
        onConfirm={() => {
          takeBack(outgoing);
          requestAnimationFrame(focusComposer);
        }}
        onClose={() => setAsking(false)}
      />
    </div>
  );
}

/** Why it was refused, and the ways on: again, or the text back into the composer. */
function Refused({ outgoing }: { outgoing: Outgoing }) {
  const retry = useSetAtom(retryOutgoingAtom);
  const drop = useSetAtom(dropOutgoingAtom);
  const takeBack = useSetAtom(takeBackAtom);
  return (
    <div className="mt-1 flex max-w-[88%] flex-col items-end gap-1">
      <p className="text-end text-[0.8125rem] break-words text-danger">
        {outgoing.error ?? "The server refused it."}
      </p>
      <div className="flex flex-wrap justify-end gap-1">
        <Button
          size="small"
          icon={RotateCw}
          onClick={() => {
            retry(outgoing.key);
            focusThread();
          }}
        >
          Try again
        </Button>
        <Button
          size="small"
          icon={Pencil}
          onClick={() => {
            takeBack(outgoing);
            requestAnimationFrame(focusComposer);
          }}
        >
          Edit
        </Button>
        <Button
          size="small"
          tone="quiet"
          icon={Trash2}
          onClick={() => {
            drop(outgoing.key);
            focusThread();
          }}
        >
          Discard
        </Button>
      </div>
    </div>
  );
}
