/** Making an account, and the code that proves its mobile. */
import { useSearch } from "@tanstack/react-router";
import { useAtom } from "jotai";
import { useState } from "react";
import { useAppFacts } from "../../api/app";
import { Link } from "../../parts/link";
import { useMaybeSession } from "../../state/session";
import { Card } from "./card";
import { CodeStage } from "./code-stage";
import { invitationAtom, pendingSignInAtom } from "./held";
import { SignUpForm } from "./sign-up-form";
import { useGoOn } from "./signed-in";

export function SignUpPage() {
  const { next } = useSearch({ from: "/outside/sign-up" });
  const isDev = useMaybeSession()?.isDev === true;
  const [invitation, setInvitation] = useAtom(invitationAtom);
  const [pending, setPending] = useAtom(pendingSignInAtom);
  const [reason, setReason] = useState<string>();
  // An account that was made by an invitation has joined by it already.
  const goOn = useGoOn(next === "/join" ? "/inbox" : next);

  const { isSignUpOpen } = useAppFacts();

  if (pending) return <CodeStage pending={pending} onSignedIn={goOn} onEnded={setReason} />;
  if (!isSignUpOpen && invitation === undefined) {
    return (
      <Card title="By invitation only" footer={<Link to="/sign-in">Sign in</Link>}>
        <p>On this server an account is made by invitation. Ask an administrator for one, and open its link.</p>
      </Card>
    );
  }
  return (
    <Card
      title="Create an account"
      description={invitation === undefined ? "Your mobile gets a code right after." : <WithInvitation onForget={() => setInvitation(undefined)} />}
      footer={
        <span>
          You have an account?{" "}
          <Link to="/sign-in" search={{ next }}>
            Sign in
          </Link>
        </span>
      }
    >
      {reason !== undefined && (
        <p role="alert" className="rounded-md bg-warn-soft px-3 py-2 text-warn">
          {reason} Your account is made: <Link to="/sign-in">sign in</Link> with your password.
        </p>
      )}
      <SignUpForm
        isDev={isDev}
        invitation={invitation}
        onPending={(pending) => {
          setInvitation(undefined);
          setPending(pending);
        }}
      />
    </Card>
  );
}

function WithInvitation({ onForget }: { onForget: () => void }) {
  return (
    <>
      With your invitation: you are in its workspace at once.{" "}
      <button type="button" className="rounded-xs text-accent underline underline-offset-2" onClick={onForget}>
        Go on without it
      </button>
    </>
  );
}
