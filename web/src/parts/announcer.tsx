/** Tells screen readers what is announced, and that another page is shown, and puts the focus where that begins. */
import { useRouter } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { announce, onAnnouncement } from "./announce";

/** Long enough to be heard of; what stays could be come upon later. */
const LIFE_MS = 10_000;

/** The first part of an address: within an area the page itself minds the focus. */
function areaOf(path: string): string {
  const [, area = "", page = ""] = path.split("/");
  return area === "admin" ? `${area}/${page}` : area;
}

export function Announcer() {
  const router = useRouter();
  useEffect(
    () =>
      router.subscribe("onRendered", ({ fromLocation, toLocation }) => {
        if (!fromLocation || areaOf(fromLocation.pathname) === areaOf(toLocation.pathname)) return;
        document.getElementById("main")?.focus({ preventScroll: true });
        // The page names the window in an effect of its own, which comes first.
        requestAnimationFrame(() => announce(document.title));
      }),
    [router],
  );
  return <LiveRegion />;
}

/** A line of its own for each, so that the same again is heard again, and none takes another's place. */
function LiveRegion() {
  const region = useRef<HTMLDivElement>(null);
  useEffect(
    () =>
      onAnnouncement((text) => {
        const line = document.createElement("p");
        line.textContent = text;
        region.current?.append(line);
        setTimeout(() => line.remove(), LIFE_MS);
      }),
    [],
  );
  return <div ref={region} aria-live="polite" className="sr-only" />;
}
