/** The first step of signing in: who, and the password. */
import { useMutation } from "@tanstack/react-query";
import { useForm } from "react-hook-form";
import { api, body } from "../../api/client";
import { Button } from "../../parts/button";
import { TextField } from "../../parts/field";
import { Link } from "../../parts/link";
import { FormAlert } from "./form-alert";
import { showProblem } from "./form-problem";
import type { PendingSignIn } from "./held";
import { PasswordField } from "./password-field";

/** Who is there in `dev` from the start. */
export const DEV_USERS = ["rdibari", "bugs", "duck", "porky"] as const;
export const DEV_PASSWORD = "switchboard-dev";

interface Fields {
  login: string;
  password: string;
}

export interface SignInFormProps {
  isDev: boolean;
  onPending: (pending: PendingSignIn) => void;
}

export function SignInForm({ isDev, onPending }: SignInFormProps) {
  const { register, handleSubmit, setError, setValue, setFocus, formState } = useForm<Fields>({ defaultValues: { login: "", password: "" } });
  const { errors } = formState;
  const login = useMutation({
    mutationFn: (fields: Fields) => body(api.POST("/api/auth/login", { body: { login: fields.login.trim(), password: fields.password } })),
    onSuccess: ({ username, verification }) => onPending({ username, verification, sentAt: Date.now() }),
    onError: () => setFocus("password", { shouldSelect: true }),
  });

  const onSubmit = handleSubmit(async (fields) => {
    await login.mutateAsync(fields).catch((error: unknown) => {
      showProblem<Fields>(error, { login: "username", password: "password" }, setError);
    });
  });

  return (
    <form onSubmit={(event) => void onSubmit(event)} className="flex flex-col gap-4" noValidate>
      <FormAlert message={errors.root?.message} />
      <TextField
        label="Username or email"
        autoComplete="username"
        autoCapitalize="off"
        spellCheck={false}
        error={errors.login?.message}
        {...register("login", { validate: (text) => text.trim() !== "" || "Your username or your email address is wanted." })}
      />
      <div className="flex flex-col gap-1.5">
        <PasswordField label="Password" autoComplete="current-password" error={errors.password?.message} {...register("password", { required: "Your password is wanted." })} />
        <Link to="/recover" className="self-end py-1 text-[0.8125rem] text-accent underline-offset-2 hover:underline">
          Forgot your password?
        </Link>
      </div>
      <Button type="submit" tone="accent" isBusy={formState.isSubmitting}>
        Sign in
      </Button>
      {isDev && (
        <section aria-label="People of dev" className="flex flex-col gap-2 rounded-lg border bg-sunken p-3">
          <p className="text-[0.8125rem] text-ink-muted">
            This server runs in dev. These people are there, each with the password <code className="font-mono text-ink">{DEV_PASSWORD}</code>:
          </p>
          <div className="flex flex-wrap gap-1.5">
            {DEV_USERS.map((name) => (
              <Button
                key={name}
                size="small"
                onClick={() => {
                  setValue("login", name);
                  setValue("password", DEV_PASSWORD);
                  void onSubmit();
                }}
              >
                {name}
              </Button>
            ))}
          </div>
        </section>
      )}
    </form>
  );
}
