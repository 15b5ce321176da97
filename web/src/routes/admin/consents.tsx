/** Who wants messages and who does not: the ledger, one address of it, a change, and its export. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { Download, PenLine, Search, UserCheck } from "lucide-react";
import { useState } from "react";
import { api, body, pages } from "../../api/client";
import { keys } from "../../api/keys";
import { Problem } from "../../api/problem";
import { Button } from "../../parts/button";
import { TextField } from "../../parts/field";
import { PageBody, PageHeader } from "../../parts/page";
import { EmptyState } from "../../parts/states";
import { ChangeConsent } from "./consents/change";
import { ExportProgress, useExport } from "./consents/export";
import { Ledger } from "./consents/ledger";
import { Standings } from "./consents/standings";
import { PagedList } from "./shared/paged-list";

const ABOUT = "Every change of consent with its evidence. Whoever opted out gets nothing; who never said anything is written to.";

export function ConsentsPage() {
  const [address, setAddress] = useState<string>();
  const [isChanging, setChanging] = useState(false);
  const query = useInfiniteQuery({
    queryKey: keys.consentList(address),
    ...pages((cursor, signal) => body(api.GET("/api/consents", { signal, params: { query: { address, cursor, limit: 100 } } }))),
    // An address that is none stays none.
    retry: (failures, error) => !(error instanceof Problem) && failures < 2,
  });
  const exporting = useExport();
  const isNoAddress = query.error instanceof Problem && query.error.status === 400;
  const rows = query.data?.pages.flatMap((page) => page.data);

  return (
    <PageBody>
      <PageHeader
        title="Consent"
        description={ABOUT}
        actions={
          <>
            <Button icon={Download} isBusy={exporting.isRunning} onClick={() => void exporting.start(address)}>
              Export {address === undefined ? "all" : "this address"}
            </Button>
            <Button tone="accent" icon={PenLine} onClick={() => setChanging(true)}>
              Record a change
            </Button>
          </>
        }
      />
      <ExportProgress exporting={exporting} />
      <LookUp key={address ?? ""} address={address} problem={isNoAddress && query.error instanceof Problem ? query.error.field("query:address") : undefined} onLookUp={setAddress} />
      {address !== undefined && rows && <Standings address={address} rows={rows} />}
      {!isNoAddress && (
        <PagedList
          query={query}
          failure="The ledger could not be loaded"
          skeletonRows={6}
          empty={
            <EmptyState icon={UserCheck} title={address === undefined ? "Nobody has said anything yet" : "This address has said nothing"}>
              {address === undefined ? "STOP and START in texts, unsubscribing from mails, and what you record stand here." : "It is written to until it opts out."}
            </EmptyState>
          }
        >
          {(rows) => <Ledger rows={rows} onAddress={setAddress} />}
        </PagedList>
      )}
      <ChangeConsent address={address} isOpen={isChanging} onClose={() => setChanging(false)} />
    </PageBody>
  );
}

function LookUp({ address, problem, onLookUp }: { address: string | undefined; problem: string | undefined; onLookUp: (address: string | undefined) => void }) {
  const [typed, setTyped] = useState(address ?? "");
  return (
    <form
      role="search"
      className="flex flex-wrap items-start gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        onLookUp(typed.trim() || undefined);
      }}
    >
      <TextField label="Address to look up" isLabelHidden placeholder="Phone number or email address" autoComplete="off" value={typed} error={problem} onChange={(event) => setTyped(event.target.value)} className="w-full min-w-0 sm:w-72" />
      <Button type="submit" icon={Search}>
        Look up
      </Button>
      {address !== undefined && (
        <Button tone="quiet" onClick={() => onLookUp(undefined)}>
          Show all
        </Button>
      )}
    </form>
  );
}
