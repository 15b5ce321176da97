/** Signing up beside the phones, where the code arrives. */
import { type QueryClient, useMutation, useQueryClient } from "@tanstack/react-query";
import { useAtom } from "jotai";
import { UserCheck, UserPlus } from "lucide-react";
import { useState } from "react";
import { useAppFacts } from "../../api/app";
import { api, body } from "../../api/client";
import { keys } from "../../api/keys";
import { Badge } from "../../parts/badge";
import { Button } from "../../parts/button";
import { Link } from "../../parts/link";
import { useSignOut } from "../../parts/sign-out";
import { FormError } from "../../parts/states";
import { endSession, identityOf, readSession, useSession } from "../../state/session";
import { CodeOfSignIn } from "../account/code-stage";
import { pendingSignInAtom } from "../account/held";
import { SignUpForm } from "../account/sign-up-form";
import { AS_OPERATOR } from "./carrier";

export function TryAccount({ onSignedIn }: { onSignedIn: () => void }) {
  const client = useQueryClient();
  const session = useSession();
  const [pending, setPending] = useAtom(pendingSignInAtom);
  const { isSignUpOpen } = useAppFacts();
  const [isSigningUp, setSigningUp] = useState(false);
  const [reason, setReason] = useState<string>();

  if (session.kind === "user") return <SignedIn identity={identityOf(session)} userName={session.user.username} role={session.role} />;
  if (pending) {
    return (
      <CodeOfSignIn
        pending={pending}
        onEnded={setReason}
        onSignedIn={async () => {
          await readAnew(client);
          onSignedIn();
        }}
      />
    );
  }
  if (session.kind === "nobody") return <BegunElsewhere />;
  return (
    <div className="flex flex-col gap-3">
      {reason !== undefined && (
        <p role="alert" className="rounded-md bg-warn-soft px-3 py-2 text-warn">
          {reason}
        </p>
      )}
      {isSigningUp ? (
        <SignUpForm isDev onPending={setPending} />
      ) : (
        <>
          <p className="text-ink-muted">This machine is the operator, and needs no account. Make one to see how people sign in: its code arrives on the phone that you name.</p>
          <div className="flex flex-wrap items-center gap-x-4 gap-y-1.5">
            {isSignUpOpen ? (
              <Button icon={UserPlus} onClick={() => setSigningUp(true)}>
                Sign up here
              </Button>
            ) : (
              <Link to="/admin/users">Invite somebody</Link>
            )}
            <Link to="/sign-in" search={{ next: "/phones" }}>
              Sign in
            </Link>
          </div>
        </>
      )}
    </div>
  );
}

function SignedIn({ identity, userName, role }: { identity: string; userName: string; role: "member" | "agent" | "admin" }) {
  const client = useQueryClient();
  const promote = useMutation({
    mutationFn: () => body(api.PATCH("/api/members/{user_name}", { ...AS_OPERATOR, params: { path: { user_name: userName } }, body: { role: "admin" } })),
    onSuccess: () => readAnew(client),
  });
  const leave = useSignOut(identity, () => readAnew(client));
  return (
    <div className="flex flex-col gap-2.5">
      <p className="flex flex-wrap items-center gap-2">
        <UserCheck aria-hidden="true" className="size-4 text-ok" />
        Signed in as <bdi className="font-medium">{userName}</bdi> <Badge tone={role === "member" ? "plain" : "accent"}>{role}</Badge>
      </p>
      {role === "member" && <p className="text-[0.8125rem] text-ink-muted">Members chat with people. Agents and admins also see the workspace's texts and mails in the inbox.</p>}
      <div className="flex flex-wrap gap-2">
        {role === "member" && (
          <Button size="small" isBusy={promote.isPending} onClick={() => promote.mutate()}>
            Make me an admin
          </Button>
        )}
        <Button size="small" tone="quiet" isBusy={leave.isBusy} onClick={leave.start}>
          Sign out
        </Button>
      </div>
      <FormError error={promote.error ?? leave.error} />
      {leave.question}
    </div>
  );
}

/** A cookie of a sign-in without its code stands in the way of being the operator. */
function BegunElsewhere() {
  const client = useQueryClient();
  const drop = useMutation({
    mutationFn: async () => {
      await endSession();
      await readAnew(client);
    },
  });
  return (
    <div className="flex flex-col gap-2.5">
      <p className="text-ink-muted">In another tab somebody is signing in. Their code arrives on its phone; enter it there.</p>
      <Button size="small" className="self-start" isBusy={drop.isPending} onClick={() => drop.mutate()}>
        Go on as the operator instead
      </Button>
      <FormError error={drop.error} />
    </div>
  );
}

/** It is somebody else now: what was read for another is dropped, and what is shown is read anew. */
async function readAnew(client: QueryClient): Promise<void> {
  await readSession(client);
  client.removeQueries({ type: "inactive" });
  void client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== keys.session[0] });
}
