/** The form: a phone number, a text, and what they cost; what was typed is kept until the server has it. */
import { useAtom, useAtomValue, useSetAtom } from "jotai";
import { RotateCw, SendHorizontal } from "lucide-react";
import { type FormEvent, useRef } from "react";
import { Button } from "../../parts/button";
import { TextArea, TextField } from "../../parts/field";
import { FormError } from "../../parts/states";
import { beyondGsm, countSegments } from "../../segments";
import { checkPhone, tidyPhone } from "./phone";
import { isSendingAtom, messageAtom, phoneAtom, problemsAtom, refusalAtom, sendAtom, takenAtom } from "./state";

export function SendForm() {
  const [phone, setPhone] = useAtom(phoneAtom);
  const [message, setMessage] = useAtom(messageAtom);
  const problems = useAtomValue(problemsAtom);
  const refusal = useAtomValue(refusalAtom);
  const isSending = useAtomValue(isSendingAtom);
  const taken = useAtomValue(takenAtom);
  const send = useSetAtom(sendAtom);
  const phoneBox = useRef<HTMLInputElement>(null);
  const messageBox = useRef<HTMLTextAreaElement>(null);
  const { digits } = checkPhone(phone);

  async function submit(event?: FormEvent) {
    event?.preventDefault();
    const result = await send();
    if (result === "taken" || result === "phone") phoneBox.current?.focus();
    if (result === "message") messageBox.current?.focus();
  }

  return (
    <form noValidate onSubmit={(event) => void submit(event)} aria-label="Send a text" className="mx-auto flex w-full max-w-3xl flex-col gap-3 px-4 py-3 sm:px-6 sm:py-4">
      <TextField
        ref={phoneBox}
        label="Phone number"
        name="phone"
        type="tel"
        inputMode="numeric"
        autoComplete="tel-national"
        dir="ltr"
        value={phone}
        onChange={(event) => setPhone(event.target.value)}
        onPaste={(event) => {
          const pasted = event.clipboardData.getData("text");
          const tidy = tidyPhone(pasted);
          if (tidy === pasted || phone !== "") return;
          event.preventDefault();
          setPhone(tidy);
        }}
        hint={digits === 0 ? "Ten digits, such as 2015550101" : `${digits} of ten digits`}
        error={problems.phone}
        className="sm:max-w-64"
      />
      <TextArea
        ref={messageBox}
        label="Message"
        name="message"
        rows={2}
        value={message}
        onChange={(event) => setMessage(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void submit();
        }}
        hint={<Cost text={message} />}
        error={problems.message}
        className="[&_textarea]:max-h-40"
      />
      {refusal !== undefined && <FormError error={refusal} />}
      <div className="flex items-center justify-end gap-3">
        <p role="status" className="min-w-0 flex-1 truncate text-xs text-ink-muted">
          {isSending ? "Sending" : taken && message === "" && `The message to ${taken.recipient_phone} was accepted.`}
        </p>
        <Button type="submit" tone="accent" icon={refusal === undefined ? SendHorizontal : RotateCw} isBusy={isSending}>
          {refusal === undefined ? "Send" : "Try again"}
        </Button>
      </div>
    </form>
  );
}

/** What a text costs, and why. */
export function Cost({ text }: { text: string }) {
  const { count, encoding, left } = countSegments(text);
  const [offender] = encoding === "UCS-2" ? beyondGsm(text) : [];
  return (
    <span className="tabular-nums">
      {left} {left === 1 ? "character" : "characters"} left · {count} {count === 1 ? "segment" : "segments"} · {encoding === "GSM-7" ? "GSM-7" : "Unicode"}
      {offender !== undefined && (
        <>
          {" "}
          because of <bdi className="font-medium">{offender.trim() === "" ? "an unusual space" : offender}</bdi>
        </>
      )}
    </span>
  );
}
