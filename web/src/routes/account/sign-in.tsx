/** Signing in: the password, then the code. */
import { PageBody, PageHeader } from "../../parts/page";

export function SignInPage() {
  return (
    <PageBody>
      <PageHeader title="Sign in" />
    </PageBody>
  );
}
