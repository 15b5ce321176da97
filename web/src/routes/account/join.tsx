/** Where an invitation points. */
import { PageBody, PageHeader } from "../../parts/page";

export function JoinPage() {
  return (
    <PageBody>
      <PageHeader title="Join a workspace" />
    </PageBody>
  );
}
