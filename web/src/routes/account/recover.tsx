/** A new password for somebody who lost theirs: by a code to the mobile and a link to the mailbox, both. */
import { useState } from "react";
import { CircleCheck } from "lucide-react";
import { Link } from "../../parts/link";
import { Card } from "./card";
import { useLinkToken } from "./link-token";
import { RecoverBeginForm } from "./recover-begin-form";
import { RecoverForm } from "./recover-form";

type Step = "begin" | "prove" | "done";

export function RecoverPage() {
  const token = useLinkToken();
  return <Recover key={token} token={token} />;
}

function Recover({ token }: { token: string | undefined }) {
  const [step, setStep] = useState<Step>(token === undefined ? "begin" : "prove");
  const back = <Link to="/sign-in">Back to signing in</Link>;

  if (step === "begin") {
    return (
      <Card
        title="Recover your password"
        description="It takes your mobile and your mailbox: a code goes to the one, a link to the other."
        footer={back}
      >
        <RecoverBeginForm onBegun={() => setStep("prove")} />
      </Card>
    );
  }
  if (step === "prove") {
    return (
      <Card
        title="Choose a new password"
        description={
          token === undefined ? (
            <>
              If there is such an account, a code went to its mobile and a mail to its address. <strong className="font-medium text-ink">Open the mail's link in this browser</strong>, or enter
              both here. They are good for 10 minutes.
            </>
          ) : (
            "Enter the code that was sent to your mobile. Everybody who is signed in to your account is signed out then."
          )
        }
        footer={back}
      >
        <RecoverForm token={token} onDone={() => setStep("done")} onBeginAgain={() => setStep("begin")} />
      </Card>
    );
  }
  return (
    <Card title="Your password is changed">
      <p role="status" className="flex items-start gap-2.5">
        <CircleCheck aria-hidden="true" className="mt-0.5 size-5 shrink-0 text-ok" />
        Every session of your account has ended. Sign in with your new password.
      </p>
      <Link to="/sign-in" className="inline-flex min-h-10 items-center justify-center rounded-md bg-accent px-3.5 font-medium text-on-accent hover:bg-accent-strong sm:min-h-9">
        Sign in
      </Link>
    </Card>
  );
}
