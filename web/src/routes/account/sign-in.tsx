/** Signing in: the password, then the code. */
import { useSearch } from "@tanstack/react-router";
import { useMutation } from "@tanstack/react-query";
import { useAtom } from "jotai";
import { useState } from "react";
import { Button } from "../../parts/button";
import { Link } from "../../parts/link";
import { useSignOut } from "../../parts/sign-out";
import { FormError } from "../../parts/states";
import { identityOf, type Session, useMaybeSession } from "../../state/session";
import { Card } from "./card";
import { CodeStage } from "./code-stage";
import { pendingSignInAtom } from "./held";
import { SignInForm } from "./sign-in-form";
import { useGoOn, useGoOnAsOperator } from "./signed-in";

export function SignInPage() {
  const { next } = useSearch({ from: "/outside/sign-in" });
  const session = useMaybeSession();
  const [pending, setPending] = useAtom(pendingSignInAtom);
  const [reason, setReason] = useState<string>();
  const goOn = useGoOn(next);

  if (pending) return <CodeStage pending={pending} onSignedIn={goOn} onEnded={setReason} />;
  if (session?.kind === "user") return <AlreadyIn session={session} onGoOn={goOn} />;
  return (
    <Card
      title="Sign in"
      footer={
        <span>
          No account yet?{" "}
          <Link to="/sign-up" search={{ next }}>
            Create one
          </Link>
        </span>
      }
    >
      {reason !== undefined && (
        <p role="alert" className="rounded-md bg-warn-soft px-3 py-2 text-warn">
          {reason}
        </p>
      )}
      <SignInForm
        isDev={session?.isDev === true}
        onPending={(pending) => {
          setReason(undefined);
          setPending(pending);
        }}
      />
      {session?.isDev && <AsOperator next={next} />}
    </Card>
  );
}

/** `dev` lets this machine in without signing in. */
function AsOperator({ next }: { next: string | undefined }) {
  const goOn = useGoOnAsOperator(next);
  const leave = useMutation({ mutationFn: goOn });
  return (
    <div className="flex flex-col gap-2">
      <FormError error={leave.error} />
      <Button tone="quiet" isBusy={leave.isPending} onClick={() => leave.mutate()}>
        Go on as the local operator
      </Button>
    </div>
  );
}

function AlreadyIn({ session, onGoOn }: { session: Extract<Session, { kind: "user" }>; onGoOn: () => Promise<void> }) {
  const leave = useSignOut(identityOf(session), () => location.reload());
  return (
    <Card
      title="You are signed in"
      description={
        <>
          as <bdi className="font-medium text-ink">{session.user.username}</bdi>
        </>
      }
    >
      <FormError error={leave.error} />
      <div className="flex flex-wrap gap-2">
        <Button tone="accent" onClick={() => void onGoOn()}>
          Go on
        </Button>
        <Button isBusy={leave.isBusy} onClick={leave.start}>
          Sign in as somebody else
        </Button>
      </div>
      {leave.question}
    </Card>
  );
}
