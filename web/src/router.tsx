/** Every page's address. Its code is fetched when it is gone to, or pointed at. */
import type { QueryClient } from "@tanstack/react-query";
import { createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent, Outlet, redirect } from "@tanstack/react-router";
import type { createStore } from "jotai";
import { FailedPage, MissingPage } from "./parts/page-states";
import { Shell } from "./parts/shell";
import { PageSkeleton } from "./parts/skeleton";
import { readInboxSearch } from "./routes/inbox/search";
import { identityOf, readSession, type Session, sessionQuery } from "./state/session";
import { hasTurn } from "./state/turn";

export interface RouterContext {
  queryClient: QueryClient;
  store: ReturnType<typeof createStore>;
}

/** Where to go once signed in; only within the app. */
interface NextSearch {
  next?: string;
}

function readNext(search: Record<string, unknown>): NextSearch {
  const { next } = search;
  return typeof next === "string" && /^\/(?![/\\])/.test(next) ? { next } : {};
}

const root = createRootRouteWithContext<RouterContext>()({ component: Outlet });

/** Who it is, as far as it is known; where the turn may be another's by now, whoever comes in is asked about anew. */
function findSession(client: QueryClient, isEntering: boolean): Session | Promise<Session> {
  const known = client.getQueryData(sessionQuery.queryKey);
  return known && !(isEntering && !hasTurn(identityOf(known))) ? known : readSession(client);
}

const inside = createRoute({
  getParentRoute: () => root,
  id: "inside",
  component: Shell,
  beforeLoad: async ({ context, location, cause }) => {
    const session = await findSession(context.queryClient, cause !== "stay");
    // In `dev` the code of a sign-in that waits for it arrives on these phones.
    const isForAnybody = session.isDev && location.pathname === "/phones";
    if (session.kind === "nobody" && !isForAnybody) throw redirect({ to: "/sign-in", search: { next: location.href }, replace: true });
    return { session };
  },
});

const home = createRoute({
  getParentRoute: () => inside,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/inbox", replace: true });
  },
});

const send = createRoute({
  getParentRoute: () => inside,
  path: "/send",
  component: lazyRouteComponent(() => import("./routes/send"), "SendPage"),
});

const inbox = createRoute({
  getParentRoute: () => inside,
  path: "/inbox",
  validateSearch: readInboxSearch,
  component: lazyRouteComponent(() => import("./routes/inbox"), "InboxPage"),
});
const inboxIndex = createRoute({
  getParentRoute: () => inbox,
  path: "/",
  component: lazyRouteComponent(() => import("./routes/inbox"), "NothingChosen"),
});
const conversation = createRoute({
  getParentRoute: () => inbox,
  path: "$conversationId",
  component: lazyRouteComponent(() => import("./routes/inbox"), "ConversationPage"),
});

const people = createRoute({
  getParentRoute: () => inside,
  path: "/people",
  component: lazyRouteComponent(() => import("./routes/people"), "PeoplePage"),
});

const phones = createRoute({
  getParentRoute: () => inside,
  path: "/phones",
  component: lazyRouteComponent(() => import("./routes/phones"), "PhonesPage"),
});

const profile = createRoute({
  getParentRoute: () => inside,
  path: "/profile",
  component: lazyRouteComponent(() => import("./routes/account/profile"), "ProfilePage"),
});

const admin = createRoute({
  getParentRoute: () => inside,
  path: "/admin",
  component: lazyRouteComponent(() => import("./routes/admin"), "AdminLayout"),
});
const adminIndex = createRoute({
  getParentRoute: () => admin,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/admin/overview", replace: true });
  },
});
const adminPages = [
  createRoute({
    getParentRoute: () => admin,
    path: "overview",
    component: lazyRouteComponent(() => import("./routes/admin/overview"), "OverviewPage"),
  }),
  createRoute({
    getParentRoute: () => admin,
    path: "providers",
    component: lazyRouteComponent(() => import("./routes/admin/providers"), "ProvidersPage"),
  }),
  createRoute({
    getParentRoute: () => admin,
    path: "dead-letters",
    component: lazyRouteComponent(() => import("./routes/admin/dead-letters"), "DeadLettersPage"),
  }),
  createRoute({
    getParentRoute: () => admin,
    path: "quarantine",
    component: lazyRouteComponent(() => import("./routes/admin/quarantine"), "QuarantinePage"),
  }),
  createRoute({
    getParentRoute: () => admin,
    path: "webhooks",
    component: lazyRouteComponent(() => import("./routes/admin/webhooks"), "WebhooksPage"),
  }),
  createRoute({
    getParentRoute: () => admin,
    path: "keys",
    component: lazyRouteComponent(() => import("./routes/admin/keys"), "KeysPage"),
  }),
  createRoute({
    getParentRoute: () => admin,
    path: "users",
    component: lazyRouteComponent(() => import("./routes/admin/users"), "UsersPage"),
  }),
  createRoute({
    getParentRoute: () => admin,
    path: "audit",
    component: lazyRouteComponent(() => import("./routes/admin/audit"), "AuditPage"),
  }),
  createRoute({
    getParentRoute: () => admin,
    path: "consents",
    component: lazyRouteComponent(() => import("./routes/admin/consents"), "ConsentsPage"),
  }),
  createRoute({
    getParentRoute: () => admin,
    path: "settings",
    component: lazyRouteComponent(() => import("./routes/admin/settings"), "SettingsPage"),
  }),
] as const;

/** The pages that stand outside the app: `Outside` frames them. */
const outside = createRoute({
  getParentRoute: () => root,
  id: "outside",
  component: lazyRouteComponent(() => import("./routes/account"), "Outside"),
});
const signIn = createRoute({
  getParentRoute: () => outside,
  path: "/sign-in",
  validateSearch: readNext,
  component: lazyRouteComponent(() => import("./routes/account/sign-in"), "SignInPage"),
});
const signUp = createRoute({
  getParentRoute: () => outside,
  path: "/sign-up",
  validateSearch: readNext,
  component: lazyRouteComponent(() => import("./routes/account/sign-up"), "SignUpPage"),
});
// Mails point at these three; what stands after the `#` is their token.
const recover = createRoute({
  getParentRoute: () => outside,
  path: "/recover",
  component: lazyRouteComponent(() => import("./routes/account/recover"), "RecoverPage"),
});
const confirmEmail = createRoute({
  getParentRoute: () => outside,
  path: "/confirm-email",
  component: lazyRouteComponent(() => import("./routes/account/confirm-email"), "ConfirmEmailPage"),
});
const join = createRoute({
  getParentRoute: () => outside,
  path: "/join",
  component: lazyRouteComponent(() => import("./routes/account/join"), "JoinPage"),
});

const tree = root.addChildren([
  inside.addChildren([
    home,
    send,
    inbox.addChildren([inboxIndex, conversation]),
    people,
    phones,
    profile,
    admin.addChildren([adminIndex, ...adminPages]),
  ]),
  outside.addChildren([signIn, signUp, recover, confirmEmail, join]),
]);

export function newRouter(context: RouterContext) {
  return createRouter({
    routeTree: tree,
    context,
    defaultPreload: "intent",
    defaultPendingComponent: PageSkeleton,
    defaultPendingMs: 150,
    defaultErrorComponent: FailedPage,
    defaultNotFoundComponent: MissingPage,
    scrollRestoration: true,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof newRouter>;
  }
}
