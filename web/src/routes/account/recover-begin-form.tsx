/** Whose password is forgotten. */
import { useMutation } from "@tanstack/react-query";
import { useForm } from "react-hook-form";
import { api, body } from "../../api/client";
import { Button } from "../../parts/button";
import { TextField } from "../../parts/field";
import { FormAlert } from "./form-alert";
import { showProblem } from "./form-problem";

interface Fields {
  login: string;
}

export function RecoverBeginForm({ onBegun }: { onBegun: () => void }) {
  const { register, handleSubmit, setError, formState } = useForm<Fields>({ defaultValues: { login: "" } });
  const { errors } = formState;
  const begin = useMutation({
    mutationFn: ({ login }: Fields) => body(api.POST("/api/auth/recover", { body: { login: login.trim() } })),
    onSuccess: onBegun,
  });
  const onSubmit = handleSubmit(async (fields) => {
    await begin.mutateAsync(fields).catch((error: unknown) => {
      showProblem<Fields>(error, { login: "username" }, setError);
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
      <Button type="submit" tone="accent" isBusy={formState.isSubmitting}>
        Send both
      </Button>
    </form>
  );
}
