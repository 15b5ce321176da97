/** The signed-in person's own account. */
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { LogOut, User } from "lucide-react";
import { Avatar } from "../../parts/avatar";
import { Button } from "../../parts/button";
import { Link } from "../../parts/link";
import { PageBody, PageHeader } from "../../parts/page";
import { useSignOut } from "../../parts/sign-out";
import { EmptyState } from "../../parts/states";
import { toastFailure } from "../../parts/toasts";
import { forgetSession, identityOf, type Session, useSession } from "../../state/session";
import { Details } from "./profile/details";
import { Password } from "./profile/password";
import { SecondFactor } from "./profile/second-factor";
import { Sessions } from "./profile/sessions";
import { Workspaces } from "./profile/workspaces";

export function ProfilePage() {
  const session = useSession();
  if (session.kind === "user") return <Profile session={session} />;
  return (
    <PageBody width="narrow">
      <PageHeader title="Profile" />
      <EmptyState icon={User} title="You are the local operator" action={<Link to="/sign-in" search={{ next: "/profile" }}>Sign in as a person</Link>}>
        The operator of dev has no account, and so no profile.
      </EmptyState>
    </PageBody>
  );
}

function Profile({ session }: { session: Extract<Session, { kind: "user" }> }) {
  const { user, role } = session;
  const client = useQueryClient();
  const navigate = useNavigate();
  const leave = useSignOut(
    identityOf(session),
    async () => {
      await navigate({ to: "/sign-in" });
      forgetSession(client);
    },
    (error) => toastFailure("You are still signed in", error),
  );
  return (
    <PageBody width="narrow">
      <div className="flex items-center gap-4">
        <Avatar name={user.name || user.username} size="large" />
        <PageHeader
          className="flex-1"
          title="Profile"
          description={
            <>
              <bdi>{user.name || user.username}</bdi>, {ROLES[role]} of this workspace
            </>
          }
          actions={
            <Button icon={LogOut} isBusy={leave.isBusy} onClick={leave.start}>
              Sign out
            </Button>
          }
        />
      </div>
      {leave.question}
      <Details user={user} />
      <Password username={user.username} />
      <SecondFactor user={user} />
      <Sessions />
      <Workspaces session={session} />
    </PageBody>
  );
}

const ROLES = { member: "a member", agent: "an agent", admin: "an admin" };
