/** Another password, with a code for that purpose. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useForm } from "react-hook-form";
import { api, body } from "../../../api/client";
import { keys } from "../../../api/keys";
import { Button } from "../../../parts/button";
import { Section } from "../../../parts/page";
import { toast } from "../../../parts/toasts";
import { FormAlert } from "../form-alert";
import { showProblem } from "../form-problem";
import { NEW_PASSWORD_HINT } from "../new-password-hint";
import { PasswordField } from "../password-field";
import { Cancelled, useFreshCode } from "./fresh-code";

interface Fields {
  password: string;
}

export function Password({ username }: { username: string }) {
  const client = useQueryClient();
  const { withFreshCode, dialog } = useFreshCode("change_password", "A new password wants a code of its own, which goes to your mobile now.");
  const { register, handleSubmit, setError, reset, formState } = useForm<Fields>({ defaultValues: { password: "" } });
  const { errors } = formState;
  const change = useMutation({
    mutationFn: ({ password }: Fields) => withFreshCode(() => body(api.PATCH("/api/users/update-password", { body: { desired_password: password } }))),
    onSuccess: async () => {
      reset();
      toast("Your password is changed, and every other session has ended");
      await client.invalidateQueries({ queryKey: keys.sessions });
    },
  });
  const onSubmit = handleSubmit(async (fields) => {
    await change.mutateAsync(fields).catch((error: unknown) => {
      if (error instanceof Cancelled) return;
      showProblem<Fields>(error, { password: "password" }, setError);
    });
  });
  return (
    <Section title="Password" description="A change signs you out everywhere else.">
      <form onSubmit={(event) => void onSubmit(event)} className="flex max-w-xl flex-col gap-4" noValidate>
        <FormAlert message={errors.root?.message} />
        {/* For password managers, which store a password with its name. */}
        <input type="text" autoComplete="username" value={username} readOnly hidden />
        <PasswordField
          label="New password"
          hint={NEW_PASSWORD_HINT}
          autoComplete="new-password"
          error={errors.password?.message}
          {...register("password", { required: "A new password is wanted." })}
        />
        <Button type="submit" isBusy={formState.isSubmitting} className="self-start">
          Change the password
        </Button>
      </form>
      {dialog}
    </Section>
  );
}
