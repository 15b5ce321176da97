/** A text or a mail to somebody: to whom, from whom, what. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useAtom, useSetAtom } from "jotai";
import { BookUser } from "lucide-react";
import { useForm, useWatch } from "react-hook-form";
import { useAppFacts } from "../../../api/app";
import { keys } from "../../../api/keys";
import { Button, IconButton } from "../../../parts/button";
import { TextArea, TextField } from "../../../parts/field";
import { FormError } from "../../../parts/states";
import { countSegments } from "../../../segments";
import { SegmentCounter } from "../composer/segments";
import { channelOf } from "../composer/ways";
import { ContactSearch } from "../contact/contact-search";
import { attemptFirstAtom, begunAtom, fieldError, type FirstMessage, mailboxAtom, recipientsIn, sendFirst, settleFirstAtom } from "./first-message";

export interface MessageFormProps {
  kind: "text" | "email";
  onBegun: (conversation: number) => void;
}

export function MessageForm({ kind, onBegun }: MessageFormProps) {
  const client = useQueryClient();
  const { defaultSender = "", maxSegments } = useAppFacts();
  const [begun, setBegun] = useAtom(begunAtom);
  const attempt = useSetAtom(attemptFirstAtom);
  const settle = useSetAtom(settleFirstAtom);
  const [mailbox, setMailbox] = useAtom(mailboxAtom);
  const from = kind === "text" ? defaultSender : mailbox;
  const form = useForm<FirstMessage>({ defaultValues: begun[kind]?.message ?? { to: "", from, subject: "", body: "" } });
  const { register, handleSubmit, formState, setValue, getValues, control } = form;
  const text = useWatch({ control, name: "body" });
  const segments = kind === "text" ? countSegments(text) : undefined;
  const send = useMutation({
    mutationFn: (message: FirstMessage) => sendFirst(kind, message, attempt(kind, message)),
    onSuccess: (message, sent) => {
      if (kind === "email") setMailbox(sent.from.trim());
      settle(kind, sent);
      void client.invalidateQueries({ queryKey: keys.conversations });
      onBegun(message.conversation_id);
    },
  });
  const wrong = (name: keyof FirstMessage) => formState.errors[name]?.message ?? fieldError(send.error, name);
  const isNamed = (["to", "from", "subject", "body"] as const).some((name) => fieldError(send.error, name) !== undefined);
  const isText = kind === "text";
  return (
    <form
      noValidate
      className="flex flex-col gap-3 pb-4"
      onChange={() => {
        const message = { ...getValues() };
        setBegun((now) => ({ ...now, [kind]: { ...now[kind], message } }));
        if (send.isError) send.reset();
      }}
      onSubmit={(event) => void handleSubmit((message) => send.mutate(message))(event)}
    >
      <FormError error={isNamed ? undefined : send.error} />
      <TextField
        label="To"
        data-autofocus
        type={isText ? "tel" : "text"}
        inputMode={isText ? "tel" : "email"}
        autoComplete="off"
        placeholder={isText ? "+1 201 555 0123" : "somebody@example.com"}
        hint="Several are told apart by commas"
        error={wrong("to")}
        end={
          <ContactSearch
            trigger={<IconButton icon={BookUser} label="From the contacts" className="size-9 sm:size-8" />}
            onChoose={(contact) => {
              const first = contact.addresses.find((address) => channelOf(address) === (isText ? "sms" : "email"));
              if (first === undefined) form.setError("to", { message: `${contact.name} has no ${isText ? "phone number" : "email address"}` });
              else setValue("to", [...recipientsIn(getValues("to")), first].join(", "), { shouldDirty: true, shouldValidate: true });
            }}
          />
        }
        {...register("to", { validate: (to) => recipientsIn(to).length > 0 || "To whom?" })}
      />
      <TextField
        label="From"
        type={isText ? "tel" : "email"}
        autoComplete="off"
        hint={isText ? "A number of yours, a short code, or a name of up to 11 letters" : "A mailbox of yours"}
        error={wrong("from")}
        {...register("from", { validate: (from) => from.trim() !== "" || "From whom?" })}
      />
      {!isText && <TextField label="Subject" autoComplete="off" error={wrong("subject")} {...register("subject")} />}
      <TextArea
        label="Message"
        rows={4}
        error={wrong("body")}
        {...register("body", {
          validate: (body) => {
            if (body.trim() === "") return "Write something first";
            return !isText || countSegments(body).count <= maxSegments || `A text has at most ${maxSegments} segments`;
          },
        })}
      />
      <div className="flex items-center justify-end gap-3">
        {segments && <SegmentCounter segments={segments} text={text} max={maxSegments} />}
        <Button type="submit" tone="accent" isBusy={send.isPending}>
          Send
        </Button>
      </div>
    </form>
  );
}
