/** One conversation, and what it was joined to. */
import { QueryClient } from "@tanstack/react-query";
import { expect, test, vi } from "vitest";
import { conversationQuery } from "./conversations";
import { keys } from "./keys";

test("two conversations that were each shown in the other never lead to each other", async () => {
  const client = new QueryClient();
  // As it was while it was joined.
  client.setQueryData(keys.conversationHead(1), { id: 8 });
  vi.spyOn(globalThis, "fetch").mockImplementation(async () => new Response(JSON.stringify({ id: 1 }), { headers: { "content-type": "application/json" } }));
  const now = await client.fetchQuery(conversationQuery(8));
  expect(now.id).toBe(1);
  expect(client.getQueryData(keys.conversationHead(1))).toEqual({ id: 1 });
});
