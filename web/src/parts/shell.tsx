/** The frame of the app: the ways to its pages (a rail, or a bar on phones), and what concerns all of them. */
import { Outlet } from "@tanstack/react-router";
import { Inbox, type LucideIcon, SendHorizontal, Settings2, Smartphone, Users } from "lucide-react";
import { isAdmin, isAgent, useSession } from "../state/session";
import { useLive } from "../use-live";
import { useOutbox } from "../use-outbox";
import { AccountMenu } from "./account-menu";
import { Announcer } from "./announcer";
import { Link } from "./link";
import { Logo } from "./logo";
import { OfflineBanner } from "./offline-banner";

interface Place {
  to: "/inbox" | "/send" | "/people" | "/phones" | "/admin";
  label: string;
  icon: LucideIcon;
}

export function Shell() {
  const session = useSession();
  useLive();
  useOutbox();
  const places: Place[] = [
    { to: "/inbox", label: "Inbox", icon: Inbox },
    ...(isAgent(session) ? [{ to: "/send", label: "Send", icon: SendHorizontal } as const] : []),
    { to: "/people", label: "People", icon: Users },
    ...(session.isDev ? [{ to: "/phones", label: "Phones", icon: Smartphone } as const] : []),
    ...(isAdmin(session) ? [{ to: "/admin", label: "Admin", icon: Settings2 } as const] : []),
  ];
  return (
    <div className="flex h-dvh flex-col-reverse sm:flex-row">
      <a href="#main" className="fixed start-2 top-2 z-50 -translate-y-16 rounded-md bg-accent px-3 py-2 font-medium text-on-accent focus:translate-y-0">
        Skip to the page
      </a>
      <nav
        aria-label="Switchboard"
        className="flex shrink-0 items-stretch border-t bg-surface pb-[env(safe-area-inset-bottom)] sm:w-19 sm:flex-col sm:gap-1 sm:border-e sm:border-t-0 sm:p-2"
      >
        <div className="hidden justify-center py-2 sm:flex">
          <Logo isMarkOnly />
        </div>
        {places.map((place) => (
          <NavLink key={place.to} {...place} />
        ))}
        <div className="min-w-0 flex-1 p-1 sm:mt-auto sm:flex-none sm:p-0">
          <AccountMenu />
        </div>
      </nav>
      <div className="flex min-h-0 min-w-0 flex-1 flex-col">
        <OfflineBanner />
        <main id="main" tabIndex={-1} className="min-h-0 flex-1 overflow-y-auto">
          <Outlet />
        </main>
      </div>
      <Announcer />
    </div>
  );
}

function NavLink({ to, label, icon: Icon }: Place) {
  return (
    <Link
      to={to}
      className="group flex min-h-14 min-w-0 flex-1 flex-col items-center justify-center gap-0.5 rounded-lg text-[0.6875rem] font-medium text-ink-muted hover:text-ink aria-[current=page]:text-accent sm:min-h-13 sm:flex-none"
    >
      <span className="grid h-7 w-12 place-items-center rounded-full group-hover:bg-hover group-aria-[current=page]:bg-accent-soft">
        <Icon aria-hidden="true" className="size-5" />
      </span>
      <span className="max-w-full truncate">{label}</span>
    </Link>
  );
}
