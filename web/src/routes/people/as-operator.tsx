/** In `dev` without a session: friends are a person's, and the local operator is none. */
import { UserRound } from "lucide-react";
import { Link } from "../../parts/link";
import { PageBody, PageHeader } from "../../parts/page";
import { EmptyState } from "../../parts/states";
import { DEV_PASSWORD, DEV_USERS } from "../account/sign-in-form";

export function AsOperator() {
  return (
    <PageBody width="narrow">
      <PageHeader title="People" />
      <div className="rounded-xl border bg-surface pb-4 shadow-raised">
        <EmptyState
          icon={UserRound}
          title="Sign in as a person"
          action={
            <Link
              to="/sign-in"
              search={{ next: "/people" }}
              className="inline-flex min-h-10 items-center rounded-md bg-accent px-3.5 font-medium text-on-accent hover:bg-accent-strong sm:min-h-9"
            >
              Sign in
            </Link>
          }
        >
          <p>You act as the local operator of dev, who has no friends and no groups.</p>
          <p className="mt-3">
            {DEV_USERS.map((name, index) => (
              <span key={name}>
                {index > 0 && (index === DEV_USERS.length - 1 ? " and " : ", ")}
                <code className="font-mono text-ink">{name}</code>
              </span>
            ))}{" "}
            are there, each with the password <code className="font-mono text-ink">{DEV_PASSWORD}</code>. Their codes come on <Link to="/phones">Phones</Link>, and beside the field that asks for them.
          </p>
        </EmptyState>
      </div>
    </PageBody>
  );
}
