/** The frame of the pages that stand outside the app: signing in and up, and where mails point. */
import { Outlet } from "@tanstack/react-router";
import { Logo } from "../../parts/logo";

export function Outside() {
  return (
    <main className="flex min-h-full flex-col items-center gap-6 px-4 py-10 sm:pt-[12dvh]">
      <Logo />
      <div className="w-full max-w-md rounded-xl border bg-surface shadow-raised">
        <Outlet />
      </div>
    </main>
  );
}
