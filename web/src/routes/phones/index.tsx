/** The handsets of the simulator, side by side. */
import { PageBody, PageHeader } from "../../parts/page";

export function PhonesPage() {
  return (
    <PageBody>
      <PageHeader title="Phones" />
    </PageBody>
  );
}
