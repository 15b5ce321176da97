/** Where the mail that confirms an address points. */
import { PageBody, PageHeader } from "../../parts/page";

export function ConfirmEmailPage() {
  return (
    <PageBody>
      <PageHeader title="Confirm your email address" />
    </PageBody>
  );
}
