/** Who did what. */
import { PageBody, PageHeader } from "../../parts/page";

export function AuditPage() {
  return (
    <PageBody>
      <PageHeader title="Audit" />
    </PageBody>
  );
}
