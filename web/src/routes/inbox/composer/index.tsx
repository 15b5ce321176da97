/** Where an answer is written: a message, or a note that only the team sees. */
import { useQuery } from "@tanstack/react-query";
import { useAtom, useSetAtom } from "jotai";
import { CalendarClock, CircleAlert, CornerDownLeft, Ellipsis, Paperclip, SendHorizontal, StickyNote, X } from "lucide-react";
import { type RefObject, useId, useRef, useState } from "react";
import { consentsQuery, conversationQuery, type Conversation } from "../../../api/conversations";
import { Button, IconButton } from "../../../parts/button";
import { classes } from "../../../parts/classes";
import { Select } from "../../../parts/field";
import { Menu, MenuChoices } from "../../../parts/menu";
import { FormError } from "../../../parts/states";
import { formatMoment, WhenDialog, zoneName } from "../../../parts/when";
import { addFilesAtom } from "../../../state/composing";
import { doesEnterSendAtom } from "../../../state/preferences";
import { formatAddress } from "../names";
import { EmojiButton } from "./emoji-button";
import { Files } from "./files";
import { SavedReplies } from "./saved-replies";
import { SegmentCounter } from "./segments";
import { insertAtCursor, TextBox } from "./text-box";
import { type ComposerState, useComposer } from "./use-composer";
import { useFileDrop } from "./use-file-drop";
import { WaySelect } from "./way-select";

/** How far ahead a message may be scheduled, as the server has it. */
const MOST_DAYS = 35;
const ACCEPTED = "image/png,image/jpeg,image/gif,image/webp,application/pdf,text/plain,text/csv,text/markdown";

export function Composer({ conversationId }: { conversationId: number }) {
  const { data: conversation } = useQuery(conversationQuery(conversationId));
  if (!conversation) return <div aria-hidden="true" className="h-40 shrink-0 border-t bg-surface" />;
  return <Opened conversation={conversation} />;
}

function Opened({ conversation }: { conversation: Conversation }) {
  const composer = useComposer(conversation);
  const { id, isNote, text, write, obstacle, submit } = composer;
  const box = useRef<HTMLTextAreaElement>(null);
  const hint = useId();
  const addFiles = useSetAtom(addFilesAtom);
  const onFiles = isNote ? undefined : (files: readonly File[]) => addFiles(id, files);
  const isOver = useFileDrop(onFiles);
  const [refusals, setRefusals] = useState(0);
  const send = () => {
    setRefusals(submit() ? 0 : refusals + 1);
    box.current?.focus();
  };
  return (
    <form
      aria-label={isNote ? "An internal note" : "A message"}
      className="relative shrink-0 border-t bg-surface px-2 pt-2 pb-[max(0.5rem,env(safe-area-inset-bottom))] sm:px-4 sm:pb-3"
      onSubmit={(event) => {
        // The forms of dialogs that are opened from here are told of here too, though they stand elsewhere on the page.
        if (event.target !== event.currentTarget) return;
        event.preventDefault();
        send();
      }}
    >
      <TopLine composer={composer} />
      <Warnings composer={composer} />
      <div
        className={classes(
          "rounded-xl border focus-within:border-accent focus-within:outline-1 focus-within:outline-accent",
          isNote ? "border-warn bg-warn-soft" : "border-line-strong bg-canvas",
          isOver && "border-dashed border-accent bg-accent-soft",
        )}
      >
        {!isNote && composer.way?.channel === "email" && <Subject composer={composer} />}
        <TextBox
          ref={box}
          label={isNote ? "Internal note" : "Message"}
          placeholder={placeholder(composer, isOver)}
          value={text}
          describedBy={hint}
          onChange={(next) => {
            setRefusals(0);
            write(next);
          }}
          onSend={send}
          onFiles={onFiles}
        />
        {!isNote && <Files conversationId={id} />}
        <Scheduled composer={composer} />
        <div className="flex items-center gap-0.5 p-1">
          <Tools composer={composer} box={box} onFiles={onFiles} />
          <div className="ms-auto flex min-w-0 items-center gap-2 ps-1">
            {composer.segments && (
              <span className="hidden sm:inline">
                <SegmentCounter segments={composer.segments} text={text} max={composer.maxSegments} />
              </span>
            )}
            <SendButton composer={composer} />
          </div>
        </div>
      </div>
      {composer.segments && text !== "" && (
        <div className="px-1 pt-1 text-end sm:hidden">
          <SegmentCounter segments={composer.segments} text={text} max={composer.maxSegments} />
        </div>
      )}
      {refusals > 0 && obstacle !== undefined ? (
        // Each time it is refused it is said anew.
        <p key={refusals} id={hint} role="alert" className="flex items-start gap-1.5 px-1 pt-1.5 text-[0.8125rem] text-danger">
          <CircleAlert aria-hidden="true" className="mt-0.5 size-3.5 shrink-0" />
          <span>{obstacle}</span>
        </p>
      ) : (
        <p id={hint} className="sr-only">
          {obstacle !== undefined && text !== "" ? obstacle : ""}
        </p>
      )}
    </form>
  );
}

function placeholder({ isNote, kind }: ComposerState, isOver: boolean): string {
  if (isOver) return "Drop the files to attach them";
  if (isNote) return "Only your team sees this note";
  return kind === "numbers" ? "Write an answer" : "Write a message";
}

/** What is written, and which way it goes. */
function TopLine({ composer }: { composer: ComposerState }) {
  const { isTeam, isNote, composing, setComposing, ways, way, isWayMissing, speakers, speaker } = composer;
  if (speakers) {
    return (
      <div className="mb-2 flex items-center gap-2 text-xs text-ink-muted">
        <span aria-hidden="true" className="shrink-0">
          As the operator you speak for
        </span>
        <Select
          label="Speak for"
          isLabelHidden
          className="w-44"
          value={speaker ?? ""}
          options={speakers.map((name) => ({ value: name, label: name }))}
          onChange={(event) => setComposing({ ...composing, speaker: event.target.value })}
        />
      </div>
    );
  }
  if (!isTeam) return null;
  const modes = [
    { mode: "message", label: "Reply", icon: CornerDownLeft },
    { mode: "note", label: "Note", icon: StickyNote },
  ] as const;
  return (
    <div className="mb-1.5 flex items-center gap-2">
      <div role="group" aria-label="What you write" className="flex shrink-0 rounded-lg bg-sunken p-0.5">
        {modes.map(({ mode, label, icon: Icon }) => (
          <button
            key={mode}
            type="button"
            aria-pressed={composing.mode === mode}
            onClick={() => setComposing({ ...composing, mode })}
            className="inline-flex min-h-10 items-center gap-1.5 rounded-md px-2.5 text-xs font-medium text-ink-muted hover:text-ink sm:min-h-7 aria-pressed:bg-raised aria-pressed:text-ink aria-pressed:shadow-raised"
          >
            <Icon aria-hidden="true" className="size-3.5" />
            {label}
          </button>
        ))}
      </div>
      <div className="min-w-0 flex-1">
        {isNote ? (
          <p className="truncate text-xs text-warn">Never sent: only your team sees it</p>
        ) : (
          (way ?? isWayMissing) && <WaySelect ways={ways} way={way} onChange={(id) => setComposing({ ...composing, way: id })} />
        )}
      </div>
    </div>
  );
}

/** What would come in the way of it. */
function Warnings({ composer }: { composer: ComposerState }) {
  const { way, isTeam, isNote, note, segments, maxSegments } = composer;
  const [only] = way?.to ?? [];
  const address = isTeam && !isNote && way?.to.length === 1 ? only : undefined;
  const consents = useQuery({ ...consentsQuery(address ?? ""), enabled: address !== undefined });
  const state = consents.data?.data.find((consent) => consent.channel === way?.channel)?.state;
  const isTooLong = segments !== undefined && segments.count > maxSegments;
  return (
    <>
      {address !== undefined && state === "opted_out" && (
        <p className="mb-1.5 rounded-md bg-warn-soft px-3 py-2 text-[0.8125rem] text-warn">
          <bdi>{formatAddress(address)}</bdi> wants no {way?.channel === "email" ? "mails" : "texts"} any more: what is sent there is refused.
        </p>
      )}
      {isTooLong && (
        <p role="alert" className="mb-1.5 text-[0.8125rem] text-danger">
          A text has at most {maxSegments} segments. Shorten it, or send it in two.
        </p>
      )}
      {isNote && note.isError && (
        <div className="mb-1.5">
          <FormError error={note.error} />
        </div>
      )}
    </>
  );
}

function Subject({ composer: { composing, setComposing, way } }: { composer: ComposerState }) {
  return (
    <input
      type="text"
      dir="auto"
      aria-label="Subject"
      placeholder={way?.subject ? `Subject: ${way.subject}` : "Subject"}
      value={composing.subject}
      onChange={(event) => setComposing({ ...composing, subject: event.target.value })}
      className="h-10 w-full border-b bg-transparent px-3 text-base font-medium outline-none sm:h-9 sm:text-sm"
    />
  );
}

function Scheduled({ composer: { composing, setComposing, isNote, isTimeOver } }: { composer: ComposerState }) {
  if (isNote || composing.scheduledAt === undefined) return null;
  return (
    <div
      className={classes(
        "mx-3 mt-2 flex items-center gap-2 rounded-lg ps-3 text-[0.8125rem]",
        isTimeOver ? "bg-warn-soft text-warn" : "bg-accent-soft text-accent",
      )}
    >
      <CalendarClock aria-hidden="true" className="size-4 shrink-0" />
      <span role="status" className="min-w-0 flex-1">
        {isTimeOver ? "Was to be sent" : "Will be sent"} {formatMoment(new Date(composing.scheduledAt))} ({zoneName()})
        {isTimeOver && ". That time is over: choose another, or send it at once."}
      </span>
      <IconButton icon={X} label="Send it at once instead" onClick={() => setComposing({ ...composing, scheduledAt: undefined })} />
    </div>
  );
}

interface ToolsProps {
  composer: ComposerState;
  box: RefObject<HTMLTextAreaElement | null>;
  onFiles: ((files: readonly File[]) => void) | undefined;
}

function Tools({ composer, box, onFiles }: ToolsProps) {
  const { id, isTeam, isNote, composing, setComposing } = composer;
  const chooser = useRef<HTMLInputElement>(null);
  const [isScheduling, setScheduling] = useState(false);
  return (
    <>
      {onFiles && (
        <>
          <IconButton icon={Paperclip} label="Attach files" onClick={() => chooser.current?.click()} />
          <input
            ref={chooser}
            type="file"
            multiple
            hidden
            accept={ACCEPTED}
            onChange={(event) => {
              onFiles([...(event.target.files ?? [])]);
              // The same file may be chosen again.
              event.target.value = "";
            }}
          />
        </>
      )}
      <EmojiButton finalFocus={box} onChoose={(emoji) => requestAnimationFrame(() => insertAtCursor(box.current, emoji))} />
      {isTeam && !isNote && (
        <>
          <SavedReplies conversationId={id} onInsert={(text) => requestAnimationFrame(() => insertAtCursor(box.current, text))} />
          <IconButton icon={CalendarClock} label="Send later" aria-pressed={composing.scheduledAt !== undefined} onClick={() => setScheduling(true)} />
          <WhenDialog
            title="Send later"
            action="Schedule"
            maxDays={MOST_DAYS}
            isOpen={isScheduling}
            onChoose={(at) => {
              setComposing({ ...composing, scheduledAt: at.toISOString() });
              setScheduling(false);
            }}
            onClose={() => setScheduling(false)}
          />
        </>
      )}
      <Preferences />
    </>
  );
}

function Preferences() {
  const [doesEnterSend, setEnterSends] = useAtom(doesEnterSendAtom);
  return (
    <Menu side="top" align="start" trigger={<IconButton icon={Ellipsis} label="How Enter works" className="max-sm:hidden" />}>
      <MenuChoices
        label="Send with"
        value={doesEnterSend ? "enter" : "mod"}
        options={[
          { value: "enter", label: "Enter; Shift-Enter makes a line" },
          { value: "mod", label: "Ctrl-Enter; Enter makes a line" },
        ]}
        onChange={(value) => setEnterSends(value === "enter")}
      />
    </Menu>
  );
}

function SendButton({ composer: { isNote, composing, obstacle, note } }: { composer: ComposerState }) {
  const label = isNote ? "Add note" : composing.scheduledAt === undefined ? "Send" : "Schedule";
  return (
    <Button
      type="submit"
      tone="accent"
      icon={isNote ? StickyNote : composing.scheduledAt === undefined ? SendHorizontal : CalendarClock}
      isBusy={isNote && note.isPending}
      title={obstacle}
    >
      {label}
    </Button>
  );
}
