/** What came in and was not understood. */
import { PageBody, PageHeader } from "../../parts/page";

export function QuarantinePage() {
  return (
    <PageBody>
      <PageHeader title="Quarantine" />
    </PageBody>
  );
}
