/** Friends, requests and groups. */
import { PageBody, PageHeader } from "../../parts/page";

export function PeoplePage() {
  return (
    <PageBody>
      <PageHeader title="People" />
    </PageBody>
  );
}
