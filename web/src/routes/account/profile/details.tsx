/** Names, email address and mobile. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Lock, MailCheck, MailQuestionMark } from "lucide-react";
import { useForm } from "react-hook-form";
import { api, body, type Schemas } from "../../../api/client";
import { keys } from "../../../api/keys";
import { Badge } from "../../../parts/badge";
import { Button } from "../../../parts/button";
import { TextField } from "../../../parts/field";
import { Section } from "../../../parts/page";
import { FormError } from "../../../parts/states";
import { toast } from "../../../parts/toasts";
import { FormAlert } from "../form-alert";
import { showProblem } from "../form-problem";
import { Cancelled, failureOf, useFreshCode } from "./fresh-code";

type AccountUser = Schemas["AccountUser"];

interface Fields {
  name: string;
  username: string;
  email: string;
}

const LABELS = { name: "name", username: "username", email: "email" };

/** Only what is different is asked for: another email address begins a confirmation. */
export function changesOf(user: AccountUser, fields: Fields): Schemas["UpdateRequest"] {
  const name = fields.name.trim();
  const username = fields.username.trim();
  const email = fields.email.trim();
  return {
    ...(name !== user.name && { name }),
    ...(username !== user.username && { desired_username: username }),
    ...(email !== user.email && { desired_email: email }),
  };
}

export function Details({ user }: { user: AccountUser }) {
  const client = useQueryClient();
  const { withFreshCode, dialog } = useFreshCode("change_profile", "Changes of your account want a code, which goes to your mobile now.");
  const { register, handleSubmit, setError, reset, formState } = useForm<Fields>({
    values: { name: user.name, username: user.username, email: user.email },
  });
  const { errors, isDirty } = formState;
  const change = useMutation({
    mutationFn: (wish: Schemas["UpdateRequest"]) => withFreshCode(() => body(api.PUT("/api/users/update", { body: wish }))),
    onSuccess: async (now, wish) => {
      reset({ name: now.name, username: now.username, email: now.email });
      await client.invalidateQueries({ queryKey: keys.session });
      toast(wish.desired_email === undefined ? "Your profile is changed" : `A mail went to ${wish.desired_email}`);
    },
  });
  const stay = useMutation({
    mutationFn: () => withFreshCode(() => body(api.PUT("/api/users/update", { body: { desired_email: user.email } }))),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.session }),
  });

  const onSubmit = handleSubmit(async (fields) => {
    const wish = changesOf(user, fields);
    if (Object.keys(wish).length === 0) return reset();
    await change.mutateAsync(wish).catch((error: unknown) => {
      if (error instanceof Cancelled) return;
      showProblem<Fields>(error, LABELS, setError);
    });
  });

  return (
    <Section title="Your details">
      <form onSubmit={(event) => void onSubmit(event)} className="flex max-w-xl flex-col gap-4" noValidate>
        <FormAlert message={errors.root?.message} />
        <FormError error={failureOf(stay.error)} />
        <TextField label="Name" autoComplete="name" hint="As others see it." error={errors.name?.message} {...register("name")} />
        <TextField
          label="Username"
          autoComplete="username"
          autoCapitalize="off"
          spellCheck={false}
          dir="ltr"
          hint="People find you by it, and you sign in with it."
          error={errors.username?.message}
          {...register("username", { validate: (text) => text.trim() !== "" || "A username is wanted." })}
        />
        <div className="flex flex-col gap-2">
          <TextField
            label="Email"
            type="email"
            autoComplete="email"
            dir="ltr"
            hint={<EmailState user={user} />}
            error={errors.email?.message}
            {...register("email", { validate: (text) => text.trim() !== "" || "Your email address is wanted." })}
          />
          {user.pending_email !== undefined && (
            <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 rounded-lg bg-warn-soft px-3 py-2">
              <p className="min-w-0 flex-1 basis-60 text-warn">
                <bdi className="font-medium break-all">{user.pending_email}</bdi> counts once the mail that went there is confirmed. Until then{" "}
                <bdi className="break-all">{user.email}</bdi> stays.
              </p>
              <Button size="small" isBusy={stay.isPending} onClick={() => stay.mutate()}>
                Keep the old one
              </Button>
            </div>
          )}
        </div>
        <TextField
          label="Mobile"
          type="tel"
          dir="ltr"
          value={user.mobile}
          readOnly
          end={<Lock aria-hidden="true" className="me-2 size-4 text-ink-muted" />}
          hint="It is locked: your codes go there, and whoever could change it could take your account over. With another number, make another account."
        />
        <div className="flex flex-wrap gap-2">
          <Button type="submit" tone="accent" isBusy={formState.isSubmitting} disabled={!isDirty}>
            Save
          </Button>
          {isDirty && !formState.isSubmitting && (
            <Button
              onClick={() => {
                change.reset();
                reset();
              }}
            >
              Discard
            </Button>
          )}
        </div>
      </form>
      {dialog}
    </Section>
  );
}

function EmailState({ user }: { user: AccountUser }) {
  return user.email_verified ? (
    <Badge tone="ok">
      <MailCheck aria-hidden="true" className="size-3.5" /> Confirmed
    </Badge>
  ) : (
    <span className="flex flex-wrap items-center gap-x-2 gap-y-1">
      <Badge tone="warn">
        <MailQuestionMark aria-hidden="true" className="size-3.5" /> Not confirmed yet
      </Badge>
      Open the link of the mail that went there.
    </span>
  );
}
