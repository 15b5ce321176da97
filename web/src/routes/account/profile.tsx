/** The signed-in person's own account. */
import { PageBody, PageHeader } from "../../parts/page";

export function ProfilePage() {
  return (
    <PageBody>
      <PageHeader title="Profile" />
    </PageBody>
  );
}
