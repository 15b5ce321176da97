/** The second step of signing in and up: the code of a sign-in that waits for it. */
import { useQueryClient } from "@tanstack/react-query";
import { useSetAtom } from "jotai";
import { api, body } from "../../api/client";
import { keys } from "../../api/keys";
import { Problem } from "../../api/problem";
import { Button } from "../../parts/button";
import { Link } from "../../parts/link";
import { endSession, useMaybeSession } from "../../state/session";
import { changeTurn } from "../../state/turn";
import { Card } from "./card";
import { CodeStep } from "./code-step";
import { DevPhone } from "./dev-phone";
import { type PendingSignIn, pendingSignInAtom } from "./held";

export interface CodeStageProps {
  pending: PendingSignIn;
  onSignedIn: () => Promise<void>;
  /** The sign-in ended before its code came. */
  onEnded: (reason?: string) => void;
}

/** The step within its card, as the pages outside the app show it. */
export function CodeStage(props: CodeStageProps) {
  return (
    <Card
      title="Enter your code"
      description={
        <>
          Signing in as <bdi className="font-medium text-ink">{props.pending.username}</bdi>
        </>
      }
    >
      <CodeOfSignIn {...props} />
    </Card>
  );
}

/** The step alone, for a page that has its own heading. */
export function CodeOfSignIn({ pending, onSignedIn, onEnded }: CodeStageProps) {
  const client = useQueryClient();
  const hold = useSetAtom(pendingSignInAtom);
  const isDev = useMaybeSession()?.isDev === true;
  const { verification, sentAt } = pending;

  /** The session may have ended meanwhile: then there is nothing left to try. */
  async function orEnded<T>(request: Promise<T>): Promise<T> {
    try {
      return await request;
    } catch (error) {
      if (error instanceof Problem && error.status === 401 && error.code === "unauthorized") {
        hold(undefined);
        onEnded("That took too long, and the sign-in has ended. Begin again.");
      }
      throw error;
    }
  }

  async function verify(code: string): Promise<void> {
    await orEnded(changeTurn(() => body(api.POST("/api/auth/verify-code", { body: { code, purpose: "login" } }))));
    hold(undefined);
    await onSignedIn();
  }

  async function resend(): Promise<void> {
    const sent = await orEnded(body(api.POST("/api/auth/send-code", { body: { purpose: "login" } })));
    hold({ ...pending, verification: sent.verification, sentAt: Date.now() });
  }

  async function startOver(): Promise<void> {
    hold(undefined);
    onEnded();
    // It ends by itself too, if the server cannot be told.
    await endSession().catch(() => {});
    await client.invalidateQueries({ queryKey: keys.session });
  }

  const ending = verification.to?.replace(/\D/g, "");
  return (
    <CodeStep
      verification={verification}
      sentAt={verification.channel === "totp" ? 0 : sentAt}
      mayStandIn
      action="Sign in"
      onCode={verify}
      onResend={resend}
      help={
        <>
          <p>
            No way to get any of them? <Link to="/recover">Recover your password</Link> needs the same mobile; without it, ask the administrator of this server.
          </p>
          <Button size="small" className="self-start" onClick={() => void startOver()}>
            Start over
          </Button>
        </>
      }
    >
      {(enter) => isDev && ending !== undefined && <DevPhone ending={ending} sentAt={sentAt} onUse={enter} />}
    </CodeStep>
  );
}
