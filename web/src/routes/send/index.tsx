/** Sending a text: contract B's page. */
import { PageBody, PageHeader } from "../../parts/page";

export function SendPage() {
  return (
    <PageBody>
      <PageHeader title="Send a text" />
    </PageBody>
  );
}
