/** Writes from a handset: a text, with a picture by its address if one likes. */
import { ImagePlus, SendHorizontal } from "lucide-react";
import { type KeyboardEvent, type SubmitEvent, useId, useState } from "react";
import { Problem } from "../../api/problem";
import { IconButton } from "../../parts/button";
import { FieldError, Select, TextField } from "../../parts/field";
import { FormError } from "../../parts/states";
import { useAnswer } from "./carrier";

export interface AnswerFormProps {
  address: string;
  /** To whom it can be written, the likeliest first; there is at least one. */
  recipients: readonly string[];
}

export function AnswerForm({ address, recipients }: AnswerFormProps) {
  const [chosen, setChosen] = useState<string>();
  const [text, setText] = useState("");
  const [picture, setPicture] = useState<string>();
  const answer = useAnswer(address);
  const box = useId();
  const isMail = address.includes("@");
  const to = chosen !== undefined && recipients.includes(chosen) ? chosen : (recipients[0] ?? "");
  const canSend = text.trim() !== "" || Boolean(picture?.trim());

  const send = () => {
    if (!canSend || answer.isPending) return;
    const wanted = picture?.trim();
    answer.mutate(
      { to, text, ...(wanted && { picture: wanted }) },
      {
        onSuccess: () => {
          setText("");
          setPicture(undefined);
        },
      },
    );
  };
  const onSubmit = (event: SubmitEvent) => {
    event.preventDefault();
    send();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };
  const problem = answer.error instanceof Problem ? answer.error : undefined;
  const ofField = problem?.field("body") ?? problem?.field("attachments") ?? problem?.field("to");

  return (
    <form onSubmit={onSubmit} className="flex flex-col gap-1.5 border-t bg-surface p-2">
      {recipients.length > 1 && (
        <Select
          label={`Answer from ${address} to`}
          isLabelHidden
          value={to}
          onChange={(event) => setChosen(event.target.value)}
          options={recipients.map((recipient) => ({ value: recipient, label: `To ${recipient}` }))}
        />
      )}
      {picture !== undefined && (
        <TextField label="Address of a picture" isLabelHidden placeholder="https://example.com/picture.png" type="url" value={picture} onChange={(event) => setPicture(event.target.value)} />
      )}
      <div className="flex items-end gap-1">
        {!isMail && (
          <IconButton icon={ImagePlus} label={picture === undefined ? "Add a picture by its address" : "Leave the picture out"} aria-pressed={picture !== undefined} onClick={() => setPicture(picture === undefined ? "" : undefined)} />
        )}
        <label htmlFor={box} className="sr-only">
          Answer from {address} to {to}
        </label>
        <textarea
          id={box}
          dir="auto"
          rows={1}
          value={text}
          placeholder="Answer"
          onChange={(event) => setText(event.target.value)}
          onKeyDown={onKeyDown}
          aria-invalid={ofField ? true : undefined}
          className="field-sizing-content max-h-28 min-h-10 min-w-0 flex-1 resize-none rounded-2xl border border-line-strong bg-surface px-3 py-2 text-base text-ink focus-visible:outline-offset-0 sm:min-h-9 sm:py-1.5 sm:text-sm"
        />
        <IconButton type="submit" tone="accent" icon={SendHorizontal} label={`Send from ${address}`} disabled={!canSend} isBusy={answer.isPending} className="rounded-full" />
      </div>
      {ofField ? <FieldError message={ofField} /> : <FormError error={answer.error} />}
    </form>
  );
}
