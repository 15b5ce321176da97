/** The workspace's members, their roles, and invitations. */
import { PageBody, PageHeader } from "../../parts/page";

export function UsersPage() {
  return (
    <PageBody>
      <PageHeader title="Users" />
    </PageBody>
  );
}
