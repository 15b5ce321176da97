/** The frame of the admin pages: their list beside them, or above them on phones. */
import { Outlet, useLocation } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { Link } from "../../parts/link";

const PAGES = [
  { to: "/admin/overview", label: "Overview" },
  { to: "/admin/providers", label: "Providers" },
  { to: "/admin/dead-letters", label: "Dead letters" },
  { to: "/admin/quarantine", label: "Quarantine" },
  { to: "/admin/webhooks", label: "Webhooks" },
  { to: "/admin/keys", label: "API keys" },
  { to: "/admin/users", label: "Users" },
  { to: "/admin/audit", label: "Audit" },
  { to: "/admin/consents", label: "Consent" },
  { to: "/admin/settings", label: "Settings" },
] as const;

export function AdminLayout() {
  const list = useRef<HTMLElement>(null);
  const { pathname } = useLocation();
  useEffect(() => {
    if (list.current) showLink(list.current, pathname);
  }, [pathname]);
  return (
    <div className="flex min-h-full flex-col md:flex-row">
      <nav ref={list} aria-label="Admin" className="relative flex shrink-0 gap-0.5 overflow-x-auto border-b bg-surface p-2 md:w-48 md:flex-col md:overflow-visible md:border-e md:border-b-0 md:p-3">
        {PAGES.map((page) => (
          <Link
            key={page.to}
            to={page.to}
            className="flex min-h-10 shrink-0 items-center rounded-md px-3 whitespace-nowrap text-ink-muted hover:bg-hover hover:text-ink aria-[current=page]:bg-accent-soft aria-[current=page]:font-medium aria-[current=page]:text-accent md:min-h-8"
          >
            {page.label}
          </Link>
        ))}
      </nav>
      <div className="min-w-0 flex-1">
        <Outlet />
      </div>
    </div>
  );
}

/** On phones the list is longer than the screen is wide. */
function showLink(list: HTMLElement, pathname: string): void {
  const link = Array.from(list.querySelectorAll("a")).find((link) => link.pathname === pathname);
  if (link) list.scrollLeft = link.offsetLeft - (list.clientWidth - link.clientWidth) / 2;
}
