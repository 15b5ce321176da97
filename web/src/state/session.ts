/** Who uses the app: somebody who signed in, the local operator of `dev`, or nobody yet. */
import { type QueryClient, queryOptions, useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { api, body, done, type Schemas } from "../api/client";
import { keys } from "../api/keys";
import { forgetDrafts } from "./drafts";
import { changeTurn } from "./turn";

export type Role = Schemas["Role"];

interface Place {
  /** Whether the server runs in `dev`: with a simulated carrier, and open to this machine. */
  isDev: boolean;
  /** In which they act; nobody is in none, nor is whoever has no seat yet. */
  workspace?: number | undefined;
}

export type Session = Place &
  (
    | { kind: "user"; user: Schemas["AccountUser"]; role: Role }
    /** `dev` lets this machine in without signing in. */
    | { kind: "operator"; role: "admin" }
    | { kind: "nobody" }
  );

async function fetchSession(signal: AbortSignal): Promise<Session> {
  const askWho = () => body(api.GET("/api/auth/authenticated", { signal }));
  const askPlace = () => body(api.GET("/api/app", { signal }));
  let [{ user }, info] = await Promise.all([askWho(), askPlace()]);
  const isOfTwo = () => (user?.id ?? null) !== info.user_id;
  // It changed between the two.
  if (isOfTwo()) {
    ({ user } = await askWho());
    info = await askPlace();
  }
  if (isOfTwo()) throw new Error("The session changes while it is read");
  const place = { isDev: info.mode === "dev", workspace: info.workspace_id ?? undefined };
  if (user) return { ...place, kind: "user", user, role: info.role ?? "member" };
  return info.is_operator ? { ...place, kind: "operator", role: "admin" } : { ...place, kind: "nobody" };
}

export const sessionQuery = queryOptions({
  queryKey: keys.session,
  queryFn: ({ signal }) => fetchSession(signal),
  staleTime: 5 * 60_000,
});

/** Within the app's pages, which are shown only once it is known. */
export function useSession(): Session {
  return useSuspenseQuery(sessionQuery).data;
}

/** Wherever it may not be known yet. */
export function useMaybeSession(): Session | undefined {
  return useQuery(sessionQuery).data;
}

export function isAdmin(session: Session): boolean {
  return session.kind !== "nobody" && session.role === "admin";
}

/** Whether they answer for the workspace's numbers and mailboxes. */
export function isAgent(session: Session): boolean {
  return session.kind !== "nobody" && session.role !== "member";
}

/** Who it is and where they act, so that another person in this browser is noticed, and another workspace. */
export function identityOf(session: Session): string {
  if (session.kind !== "user") return session.kind;
  const { user, workspace } = session;
  return workspace === undefined ? `user:${user.id}` : `user:${user.id}@${workspace}`;
}

/** Asks the server who it is now: what was asked before does not count, whoever waits for that gets this. */
export function readSession(client: QueryClient, options: { retry?: false } = {}): Promise<Session> {
  void client.cancelQueries({ queryKey: keys.session, exact: true }, { silent: true });
  return client.fetchQuery({ ...sessionQuery, ...options, staleTime: 0 });
}

export type SessionCheck = "good" | "ended" | "another" | "unreachable";

/** Asks the server whether it is still the one that is known here. */
export async function checkSession(client: QueryClient): Promise<SessionCheck> {
  const before = client.getQueryData(sessionQuery.queryKey);
  try {
    const now = await readSession(client, { retry: false });
    if (now.kind === "nobody") return "ended";
    return before && identityOf(before) !== identityOf(now) ? "another" : "good";
  } catch {
    return "unreachable";
  }
}

/** Ends a session at the server, or what is pending of one. */
export async function endSession(): Promise<void> {
  await changeTurn(() => done(api.POST("/api/auth/logout")));
}

/** Somebody leaves; the page is to be left for a new one, that begins with an empty memory. */
export async function signOut(): Promise<void> {
  await endSession();
  forgetDrafts();
}

/** After signing in: nothing that the last one read may be seen by the next. */
export function forgetSession(client: QueryClient): void {
  client.clear();
}
