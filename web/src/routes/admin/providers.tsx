/** The providers: how they fare, and pausing them. */
import { PageBody, PageHeader } from "../../parts/page";

export function ProvidersPage() {
  return (
    <PageBody>
      <PageHeader title="Providers" />
    </PageBody>
  );
}
