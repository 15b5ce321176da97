/** Who it is, as the server says it: one session's answer, and no older one's. */
import { QueryClient } from "@tanstack/react-query";
import { expect, it, vi } from "vitest";
import { checkSession, identityOf, readSession, sessionQuery } from "./session";

interface Told {
  user: number;
  workspace: number;
}

/** A server that says to each request whose session it is then. */
function server(tell: (count: number) => Promise<Told> | Told): string[] {
  const asked: string[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    const { pathname } = new URL(new Request(input).url);
    asked.push(pathname);
    const { user, workspace } = await tell(asked.length);
    const answer =
      pathname === "/api/app" ? { mode: "serve", role: "agent", user_id: user, workspace_id: workspace } : { authenticated: true, user: { id: user } };
    return Response.json(answer);
  });
  return asked;
}

const bugs = { user: 1, workspace: 1 };
const duck = { user: 2, workspace: 9 };

it("is put together of one person's answers, when the session changes between the two", async () => {
  const asked = server((count) => (count === 1 ? bugs : duck));
  expect(identityOf(await readSession(new QueryClient()))).toBe("user:2@9");
  expect(asked).toHaveLength(4);
});

it("is asked for twice at most, and is then not known", async () => {
  const asked = server((count) => (count % 2 === 1 ? bugs : duck));
  const client = new QueryClient();
  await expect(readSession(client, { retry: false })).rejects.toThrow();
  expect(asked).toHaveLength(4);
  expect(await checkSession(client)).toBe("unreachable");
});

it("is read anew by whoever checks it, also while an older question is not answered", async () => {
  let answer: ((told: Told) => void) | undefined;
  server((count) => (count <= 2 ? bugs : count <= 4 ? new Promise((resolve) => (answer = resolve)) : duck));
  const client = new QueryClient();
  await readSession(client);
  const older = client.fetchQuery({ ...sessionQuery, staleTime: 0 });
  const check = checkSession(client);
  await vi.waitFor(async () => expect(await check).toBe("another"));
  answer?.(bugs);
  expect(identityOf(await older)).toBe("user:2@9");
  expect(client.getQueryData(sessionQuery.queryKey)).toMatchObject({ workspace: 9 });
});
