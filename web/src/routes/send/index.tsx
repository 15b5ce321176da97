/** Sending a text: contract B's page. What was sent stands above the form, the newest next to it. */
import { PageHeader } from "../../parts/page";
import { SendForm } from "./form";
import { SentList } from "./list";

export function SendPage() {
  return (
    <div className="flex h-full min-h-0 flex-col">
      <PageHeader title="Send a text" className="mx-auto w-full max-w-3xl px-4 pt-4 pb-1 sm:px-6" />
      <SentList />
      <div className="shrink-0 border-t bg-surface">
        <SendForm />
      </div>
    </div>
  );
}
