/** Customers' endpoints, and everything that was told to them. */
import { useQuery } from "@tanstack/react-query";
import { Plus, Webhook } from "lucide-react";
import { useState } from "react";
import { api, body } from "../../api/client";
import { keys } from "../../api/keys";
import { Button } from "../../parts/button";
import { PageBody, PageHeader } from "../../parts/page";
import { EmptyState } from "../../parts/states";
import { WholeList } from "./shared/paged-list";
import { EndpointCard } from "./webhooks/endpoint";
import { NewEndpoint } from "./webhooks/new-endpoint";

export function WebhooksPage() {
  const query = useQuery({
    queryKey: keys.webhookEndpoints,
    queryFn: ({ signal }) => body(api.GET("/api/webhook-endpoints", { signal })).then((list) => list.data),
  });
  const [isMaking, setMaking] = useState(false);
  const make = (
    <Button tone="accent" icon={Plus} onClick={() => setMaking(true)}>
      Add an endpoint
    </Button>
  );
  return (
    <PageBody>
      <PageHeader title="Webhooks" description="Where other systems are told what happens here, signed as Standard Webhooks say." actions={make} />
      <WholeList
        query={query}
        failure="The endpoints could not be loaded"
        empty={
          <EmptyState icon={Webhook} title="Nobody is told yet" action={make}>
            An endpoint is an address of yours that is told of messages as they are sent, delivered, or received.
          </EmptyState>
        }
      >
        {(rows) => (
          <ul className="flex flex-col gap-4">
            {rows.map((endpoint) => (
              <li key={endpoint.id}>
                <EndpointCard endpoint={endpoint} />
              </li>
            ))}
          </ul>
        )}
      </WholeList>
      <NewEndpoint isOpen={isMaking} onClose={() => setMaking(false)} />
    </PageBody>
  );
}
