/** Customers' endpoints and what was told to them. */
import { PageBody, PageHeader } from "../../parts/page";

export function WebhooksPage() {
  return (
    <PageBody>
      <PageHeader title="Webhooks" />
    </PageBody>
  );
}
