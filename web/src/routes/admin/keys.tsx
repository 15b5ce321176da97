/** Keys for programs. */
import { PageBody, PageHeader } from "../../parts/page";

export function KeysPage() {
  return (
    <PageBody>
      <PageHeader title="API keys" />
    </PageBody>
  );
}
