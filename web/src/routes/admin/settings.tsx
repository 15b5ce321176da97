/** The workspace's settings. */
import { PageBody, PageHeader } from "../../parts/page";

export function SettingsPage() {
  return (
    <PageBody>
      <PageHeader title="Settings" />
    </PageBody>
  );
}
