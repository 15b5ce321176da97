/** Making an account. */
import { PageBody, PageHeader } from "../../parts/page";

export function SignUpPage() {
  return (
    <PageBody>
      <PageHeader title="Sign up" />
    </PageBody>
  );
}
