/** Where the mail that confirms an address points. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { CircleCheck } from "lucide-react";
import { api, body } from "../../api/client";
import { keys } from "../../api/keys";
import { explain, Problem } from "../../api/problem";
import { Button } from "../../parts/button";
import { Link } from "../../parts/link";
import { useMaybeSession } from "../../state/session";
import { Card } from "./card";
import { useLinkToken } from "./link-token";

export function ConfirmEmailPage() {
  const token = useLinkToken();
  return <ConfirmEmail key={token} token={token} />;
}

function ConfirmEmail({ token }: { token: string | undefined }) {
  const client = useQueryClient();
  const session = useMaybeSession();
  const confirm = useMutation({
    mutationFn: (token: string) => body(api.POST("/api/auth/confirm-email", { body: { token } })),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.session }),
  });
  const onward = session?.kind === "user" ? <Link to="/profile">Your profile</Link> : <Link to="/sign-in">Sign in</Link>;

  if (token === undefined) {
    return (
      <Card title="Confirm your email address" footer={onward}>
        <p>This link is not whole. Open it from the mail itself, or copy all of it.</p>
      </Card>
    );
  }
  if (confirm.isSuccess) {
    return (
      <Card title="Your email address is confirmed" footer={onward}>
        <p role="status" className="flex items-start gap-2.5">
          <CircleCheck aria-hidden="true" className="mt-0.5 size-5 shrink-0 text-ok" />
          You can close this page.
        </p>
      </Card>
    );
  }
  const mayHelp = !(confirm.error instanceof Problem) || confirm.error.status >= 500;
  return (
    <Card title="Confirm your email address" description="So that your account is reached by this address." footer={onward}>
      {confirm.error && (
        <p role="alert" className="rounded-md bg-danger-soft px-3 py-2 text-danger">
          {explain(confirm.error)} {!mayHelp && "A link is good for 24 hours and once, and the newest mail's is the one that counts."}
        </p>
      )}
      {mayHelp && (
        <Button tone="accent" isBusy={confirm.isPending} onClick={() => confirm.mutate(token)}>
          {confirm.error ? "Try again" : "Confirm the address"}
        </Button>
      )}
    </Card>
  );
}
