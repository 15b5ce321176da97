/** The handsets of the simulator, side by side, and a newcomer's path beside them. */
import { useQuery } from "@tanstack/react-query";
import { useAtom, useAtomValue } from "jotai";
import { Smartphone } from "lucide-react";
import { useAppFacts } from "../../api/app";
import { PageBody, PageHeader, Section } from "../../parts/page";
import { EmptyState } from "../../parts/states";
import { useSession } from "../../state/session";
import { pendingSignInAtom } from "../account/held";
import { AddHandset } from "./add-handset";
import { arrivals } from "./arrivals";
import { handsetsQuery } from "./carrier";
import { ChaosPanel } from "./chaos";
import { HandsetPanel } from "./handset";
import { senderFor } from "./senders";
import { shownAtom, withoutShown, withShown } from "./shown";
import { TryAccount } from "./try-account";
import { TryIt } from "./try-it";

const ABOUT = "What the simulated carrier brought to each phone and mailbox. Nothing here leaves this machine.";

export function PhonesPage() {
  const { isDev } = useSession();
  if (!isDev) {
    return (
      <PageBody>
        <PageHeader title="Phones" />
        <EmptyState icon={Smartphone} title="There are no simulated phones here">
          This server hands messages to real carriers. Start one with <code>switchboard dev</code> to have a carrier and phones of its own.
        </EmptyState>
      </PageBody>
    );
  }
  return <Phones />;
}

function Phones() {
  const handsets = useQuery(handsetsQuery);
  const pending = useAtomValue(pendingSignInAtom);
  const [kept, setKept] = useAtom(shownAtom);
  const facts = useAppFacts();
  const arrived = arrivals(handsets.data ?? [], kept, pending?.sentAt);
  const shown = [...arrived, ...kept];

  return (
    <div className="mx-auto flex w-full max-w-[100rem] flex-col gap-4 p-4 sm:p-6">
      <PageHeader title="Phones" description={ABOUT} />
      <div className="grid items-start gap-4 lg:grid-cols-[20rem_minmax(0,1fr)]">
        <div className="flex min-w-0 flex-col gap-4">
          <Section title="1. Sign up">
            <TryAccount onSignedIn={() => setKept(shown)} />
          </Section>
          <Section title="2. Send, and see it answered" description="Then answer it on its phone.">
            <TryIt shown={shown} onShow={(address) => setKept(withShown(kept, address))} />
          </Section>
          <Section title="The carrier's day" description="What goes wrong between here and the phones.">
            <ChaosPanel />
          </Section>
        </div>
        <div className="flex min-w-0 flex-col gap-4">
          <AddHandset shown={shown} onAdd={(address) => setKept(withShown(kept, address))} />
          {shown.length === 0 ? (
            <EmptyState icon={Smartphone} title="No phone is on the page">
              Enter a number or a mailbox above to bring one here.
            </EmptyState>
          ) : (
            <div className="grid grid-cols-[repeat(auto-fill,minmax(min(15rem,100%),1fr))] gap-4">
              {shown.map((address) => (
                <HandsetPanel key={address} address={address} defaultSender={senderFor(address, facts)} onClose={() => setKept(withoutShown(kept, address))} />
              ))}
            </div>
          )}
        </div>
      </div>
    </div>
  );
}
