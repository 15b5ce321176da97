/** Tells screen readers that another page is shown, and puts the focus where it begins. */
import { useRouter } from "@tanstack/react-router";
import { useEffect, useRef } from "react";

/** The first part of an address: within an area the page itself minds the focus. */
function areaOf(path: string): string {
  const [, area = "", page = ""] = path.split("/");
  return area === "admin" ? `${area}/${page}` : area;
}

export function Announcer() {
  const router = useRouter();
  const region = useRef<HTMLDivElement>(null);
  useEffect(
    () =>
      router.subscribe("onRendered", ({ fromLocation, toLocation }) => {
        if (!fromLocation || areaOf(fromLocation.pathname) === areaOf(toLocation.pathname)) return;
        document.getElementById("main")?.focus({ preventScroll: true });
        // The page names the window in an effect of its own, which comes first.
        requestAnimationFrame(() => {
          if (region.current) region.current.textContent = document.title;
        });
      }),
    [router],
  );
  return <div ref={region} aria-live="polite" className="sr-only" />;
}
