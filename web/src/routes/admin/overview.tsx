/** What went through in the last hour. */
import { PageBody, PageHeader } from "../../parts/page";

export function OverviewPage() {
  return (
    <PageBody>
      <PageHeader title="Overview" />
    </PageBody>
  );
}
