/** The form that makes an account; its code comes next. */
import { useMutation } from "@tanstack/react-query";
import { useForm } from "react-hook-form";
import { api, body } from "../../api/client";
import { Button } from "../../parts/button";
import { TextField } from "../../parts/field";
import { FormAlert } from "./form-alert";
import { showProblem } from "./form-problem";
import type { PendingSignIn } from "./held";
import { NEW_PASSWORD_HINT } from "./new-password-hint";
import { PasswordField } from "./password-field";

interface Fields {
  name: string;
  username: string;
  email: string;
  mobile: string;
  password: string;
}

const LABELS = { name: "name", username: "username", email: "email", mobile: "mobile", password: "password" };

function wanted(what: string) {
  return { validate: (text: string) => text.trim() !== "" || `${what} is wanted.` };
}

export interface SignUpFormProps {
  isDev: boolean;
  /** The token of an invitation, where there is one. */
  invitation?: string | undefined;
  onPending: (pending: PendingSignIn) => void;
}

export function SignUpForm({ isDev, invitation, onPending }: SignUpFormProps) {
  const { register, handleSubmit, setError, formState } = useForm<Fields>({
    defaultValues: { name: "", username: "", email: "", mobile: "", password: "" },
  });
  const { errors } = formState;
  const make = useMutation({
    mutationFn: ({ name, username, email, mobile, password }: Fields) =>
      body(
        api.POST("/api/users", {
          body: {
            username: username.trim(),
            email: email.trim(),
            mobile: mobile.trim(),
            password,
            ...(name.trim() !== "" && { name: name.trim() }),
            ...(invitation !== undefined && { invitation }),
          },
        }),
      ),
    onSuccess: ({ username, verification }) => onPending({ username, verification, sentAt: Date.now() }),
  });

  const onSubmit = handleSubmit(async (fields) => {
    await make.mutateAsync(fields).catch((error: unknown) => {
      showProblem<Fields>(error, LABELS, setError);
    });
  });

  return (
    <form onSubmit={(event) => void onSubmit(event)} className="flex flex-col gap-4" noValidate>
      <FormAlert message={errors.root?.message} />
      <TextField label="Name" hint="Optional: as others see it." autoComplete="name" error={errors.name?.message} {...register("name")} />
      <TextField
        label="Username"
        hint="5 to 32 letters, digits, _ . and -, a letter first."
        autoComplete="username"
        autoCapitalize="off"
        spellCheck={false}
        dir="ltr"
        error={errors.username?.message}
        {...register("username", wanted("A username"))}
      />
      <TextField
        label="Email"
        type="email"
        hint="A mail goes there, to see that it is yours."
        autoComplete="email"
        dir="ltr"
        error={errors.email?.message}
        {...register("email", wanted("Your email address"))}
      />
      <TextField
        label="Mobile"
        type="tel"
        inputMode="tel"
        hint={isDev ? "Any number, such as +1 202 555 0142: in dev its phone is simulated. It can never be changed." : "Your codes go there each time you sign in. It can never be changed."}
        autoComplete="tel"
        dir="ltr"
        error={errors.mobile?.message}
        {...register("mobile", wanted("The number of your mobile"))}
      />
      <PasswordField
        label="Password"
        hint={NEW_PASSWORD_HINT}
        autoComplete="new-password"
        error={errors.password?.message}
        {...register("password", { required: "A password is wanted." })}
      />
      <Button type="submit" tone="accent" isBusy={formState.isSubmitting}>
        Create the account
      </Button>
    </form>
  );
}
