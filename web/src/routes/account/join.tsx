/** Where an invitation points. */
import { useMutation } from "@tanstack/react-query";
import { useAtom } from "jotai";
import { useState } from "react";
import { api, body } from "../../api/client";
import { explain, Problem } from "../../api/problem";
import { Button } from "../../parts/button";
import { Link } from "../../parts/link";
import { Skeleton } from "../../parts/skeleton";
import { toastOverLoad } from "../../parts/toasts";
import { useMaybeSession } from "../../state/session";
import { changeTurn } from "../../state/turn";
import { Card } from "./card";
import { invitationAtom } from "./held";
import { useLinkToken } from "./link-token";

const WAY = "inline-flex min-h-10 items-center justify-center rounded-md px-3.5 font-medium sm:min-h-9";

export function JoinPage() {
  const found = useLinkToken();
  return <Join key={found} found={found} />;
}

function Join({ found }: { found: string | undefined }) {
  const [held, hold] = useAtom(invitationAtom);
  // It stays what it was when it turns out to be used up.
  const [token] = useState(found ?? held);
  const session = useMaybeSession();

  if (token === undefined) {
    return (
      <Card title="Join a workspace" footer={<Link to="/sign-in">Sign in</Link>}>
        <p>This invitation is not whole. Open its link from the message itself, or copy all of it.</p>
      </Card>
    );
  }
  if (!session) {
    return (
      <Card title="Join a workspace">
        <Skeleton className="h-9" />
      </Card>
    );
  }
  if (session.kind === "user") return <Accept token={token} username={session.user.username} onOver={() => hold(undefined)} />;
  return (
    <Card title="You are invited" description="To join the workspace, make an account or sign in to yours.">
      <div className="flex flex-col gap-2">
        <Link to="/sign-up" search={{ next: "/join" }} onClick={() => hold(token)} className={`${WAY} bg-accent text-on-accent hover:bg-accent-strong`}>
          Create an account
        </Link>
        <Link to="/sign-in" search={{ next: "/join" }} onClick={() => hold(token)} className={`${WAY} border border-line-strong hover:bg-hover`}>
          I have an account
        </Link>
      </div>
    </Card>
  );
}

function Accept({ token, username, onOver }: { token: string; username: string; onOver: () => void }) {
  const accept = useMutation({
    mutationFn: () => changeTurn(() => body(api.POST("/api/invitations/accept", { body: { token } }))),
    onSuccess: ({ workspace }) => {
      onOver();
      toastOverLoad(`You are in ${workspace.name} now`);
      // A page of its own: nothing of the last workspace stays in memory.
      location.assign("/inbox");
    },
    onError: (error) => {
      if (error instanceof Problem && error.status === 404) onOver();
    },
  });
  const isOver = accept.error instanceof Problem && accept.error.status === 404;
  return (
    <Card
      title="Join the workspace"
      description={
        <>
          You are signed in as <bdi className="font-medium text-ink">{username}</bdi>, and act in that workspace from then on.
        </>
      }
      footer={<Link to="/inbox">To the inbox</Link>}
    >
      {accept.error && (
        <p role="alert" className="rounded-md bg-danger-soft px-3 py-2 text-danger">
          {explain(accept.error)} {isOver && "Ask whoever invited you for another one."}
        </p>
      )}
      {!isOver && (
        <Button tone="accent" isBusy={accept.isPending || accept.isSuccess} onClick={() => accept.mutate()}>
          Join
        </Button>
      )}
    </Card>
  );
}
