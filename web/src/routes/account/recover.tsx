/** A new password for somebody who lost theirs. */
import { PageBody, PageHeader } from "../../parts/page";

export function RecoverPage() {
  return (
    <PageBody>
      <PageHeader title="Recover your password" />
    </PageBody>
  );
}
