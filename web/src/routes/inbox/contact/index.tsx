/** Who the other one is: name, addresses and what they want, notes, labels, and what was done. */
import { useQuery } from "@tanstack/react-query";
import { conversationQuery } from "../../../api/conversations";
import { SkeletonRows } from "../../../parts/skeleton";
import { ErrorState } from "../../../parts/states";
import { useSession } from "../../../state/session";
import { LabelPicker, Labels } from "../header/labels";
import { counterparts, usernameOf } from "../names";
import { History } from "./history";
import { Known } from "./known";
import { Part } from "./part";
import { Unknown } from "./unknown";

export function ContactPanel({ conversationId }: { conversationId: number }) {
  const me = usernameOf(useSession());
  const query = useQuery(conversationQuery(conversationId));
  if (query.isPending) return <SkeletonRows count={5} />;
  // What is being typed stays though it cannot be had anew.
  if (!query.data) return <ErrorState error={query.error} onRetry={() => void query.refetch()} isRetrying={query.isFetching} />;
  const conversation = query.data;
  const contact = conversation.contact ?? undefined;
  return (
    <div className="flex flex-col gap-5 pb-4">
      {contact ? (
        <Known key={contact.id} conversationId={conversationId} contactId={contact.id} />
      ) : (
        <Part title={counterparts(conversation, me).length > 1 ? "With" : "Address"}>
          <div className="flex flex-col gap-3">
            {counterparts(conversation, me).map((address) => (
              <Unknown key={address} conversationId={conversationId} address={address} />
            ))}
          </div>
        </Part>
      )}
      <Part title="Labels" actions={<LabelPicker conversation={conversation} />}>
        {conversation.labels?.length ? <Labels conversation={conversation} /> : <p className="text-[0.8125rem] text-ink-muted">None yet.</p>}
      </Part>
      <Part title="What was done">
        <History conversationId={conversationId} />
      </Part>
    </div>
  );
}
