/** Who wants messages and who does not. */
import { PageBody, PageHeader } from "../../parts/page";

export function ConsentsPage() {
  return (
    <PageBody>
      <PageHeader title="Consent" />
    </PageBody>
  );
}
