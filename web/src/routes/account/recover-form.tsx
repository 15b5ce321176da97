/** Both proofs of a recovery, and the new password. */
import { useMutation } from "@tanstack/react-query";
import { Controller, useForm } from "react-hook-form";
import { api, body } from "../../api/client";
import { Problem } from "../../api/problem";
import { Button } from "../../parts/button";
import { TextField } from "../../parts/field";
import { CODE_LENGTH, CodeField } from "./code-field";
import { FormAlert } from "./form-alert";
import { showProblem } from "./form-problem";
import { tokenIn } from "./link-token";
import { NEW_PASSWORD_HINT } from "./new-password-hint";
import { PasswordField } from "./password-field";

interface Fields {
  code: string;
  mail_token: string;
  new_password: string;
}

const LABELS = { code: "code", mail_token: "link", new_password: "password" };

export interface RecoverFormProps {
  /** Of the mail's link; absent where the mail was opened elsewhere. */
  token: string | undefined;
  onDone: () => void;
  onBeginAgain: () => void;
}

export function RecoverForm({ token, onDone, onBeginAgain }: RecoverFormProps) {
  const { control, register, handleSubmit, setError, formState } = useForm<Fields>({
    defaultValues: { code: "", mail_token: token ?? "", new_password: "" },
  });
  const { errors } = formState;
  const complete = useMutation({
    mutationFn: (fields: Fields) => body(api.POST("/api/auth/recover/complete", { body: { ...fields, mail_token: tokenIn(fields.mail_token) ?? "" } })),
    onSuccess: onDone,
  });
  const onSubmit = handleSubmit(async (fields) => {
    await complete.mutateAsync(fields).catch((error: unknown) => {
      showProblem<Fields>(error, LABELS, setError);
    });
  });
  const isOver = complete.error instanceof Problem && (complete.error.status === 401 || complete.error.status === 429);
  return (
    <form onSubmit={(event) => void onSubmit(event)} className="flex flex-col gap-4" noValidate>
      <FormAlert message={errors.root?.message} />
      <Controller
        name="code"
        control={control}
        rules={{ validate: (code) => code.length === CODE_LENGTH || "The six digits of the text are wanted." }}
        render={({ field }) => <CodeField ref={field.ref} label="Code of the text" value={field.value} error={errors.code?.message} onChange={field.onChange} />}
      />
      {token === undefined && (
        <TextField
          label="Link of the mail"
          hint="Paste the whole link, or what stands behind its #."
          autoComplete="off"
          dir="ltr"
          spellCheck={false}
          error={errors.mail_token?.message}
          {...register("mail_token", { validate: (text) => tokenIn(text) !== undefined || "The link of the mail is wanted, with what stands behind its #." })}
        />
      )}
      <PasswordField
        label="New password"
        hint={NEW_PASSWORD_HINT}
        autoComplete="new-password"
        error={errors.new_password?.message}
        {...register("new_password", { required: "A new password is wanted." })}
      />
      <Button type="submit" tone="accent" isBusy={formState.isSubmitting}>
        Change the password
      </Button>
      <p className="text-[0.8125rem] text-ink-muted">
        {errors.root && isOver ? "The code and the link belong to one recovery, and to the browser in which it was begun. " : "Nothing came, or too late? "}
        <button type="button" className="rounded-xs text-accent underline underline-offset-2" onClick={onBeginAgain}>
          Begin again
        </button>
      </p>
    </form>
  );
}
