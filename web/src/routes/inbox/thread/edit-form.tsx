/** Changes what one said; what it said before is kept. */
import { useState } from "react";
import { Problem } from "../../../api/problem";
import type { Message } from "../../../api/thread";
import { Button } from "../../../parts/button";
import { TextArea } from "../../../parts/field";
import { type MessageActs, useAct } from "./acts";

export function EditForm({ message, acts, onDone }: { message: Message; acts: MessageActs; onDone: () => void }) {
  const [text, setText] = useState(message.body);
  const { run, isBusy, error, reason } = useAct();
  const refusal = error instanceof Problem ? (error.field("body") ?? reason) : reason;
  const save = () => {
    if (text.trim() === "" || isBusy) return;
    if (text === message.body) onDone();
    else void run(() => acts.edit(message, text), onDone);
  };
  return (
    <form
      className="flex w-96 max-w-full flex-col gap-1.5"
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <TextArea
        label="The message"
        isLabelHidden
        // It takes the place of the text that was being looked at.
        // oxlint-disable-next-line jsx-a11y/no-autofocus
        autoFocus
        rows={2}
        value={text}
        error={refusal}
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.nativeEvent.isComposing) return;
          const isEnter = event.key === "Enter" && !event.shiftKey;
          if (!isEnter && event.key !== "Escape") return;
          event.preventDefault();
          if (isEnter) save();
          else onDone();
        }}
      />
      <div className="flex justify-end gap-1">
        <Button size="small" tone="quiet" onClick={onDone}>
          Cancel
        </Button>
        <Button size="small" tone="accent" type="submit" isBusy={isBusy} disabled={text.trim() === ""}>
          Save
        </Button>
      </div>
    </form>
  );
}
