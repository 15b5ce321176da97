/** Messages that were given up. */
import { PageBody, PageHeader } from "../../parts/page";

export function DeadLettersPage() {
  return (
    <PageBody>
      <PageHeader title="Dead letters" />
    </PageBody>
  );
}
