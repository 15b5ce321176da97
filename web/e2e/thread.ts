/**
 * Measures a thread of 50,000 messages: every task of the page over 50 ms while all of it is scrolled through, once as its
 * pages are fetched and twice when they are there. `npm run thread`, on a machine with nothing else under way.
 */
import type { Page } from "playwright-core";
import { newPerson, openBrowser } from "./browser";
import { type Server, startServer } from "./server";

const MESSAGES = 50_000;
const BATCH = 10_000;

interface Scrolled {
  steps: number;
  seconds: number;
  /** Rows that are known, drawn or not. */
  rows: number;
  /** Milliseconds of each task over 50. */
  long: number[];
}

async function fill(server: Server): Promise<number> {
  for (let sent = 0; sent < MESSAGES; sent += BATCH) {
    const messages = Array.from({ length: BATCH }, (_, at) => ({
      from: "+12015550100",
      to: "+12015550123",
      type: "sms",
      body: `Message ${sent + at + 1}: ${"a few words more ".repeat(((sent + at) % 7) + 1)}`,
      timestamp: new Date(Date.UTC(2026, 0, 1) + (sent + at) * 60_000).toISOString(),
    }));
    await server.ask("POST", "/api/messages/batch", { messages });
  }
  const { data } = await server.ask<{ data: { id: number }[] }>("GET", "/api/conversations");
  return data[0]?.id ?? 0;
}

/** By most of a screen a frame, to the other end or for forty seconds. */
async function scroll(page: Page, direction: "up" | "down"): Promise<Scrolled> {
  return page.locator("[data-thread]").evaluate(async (element, way) => {
    const long: number[] = [];
    const observer = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) long.push(Math.round(duration));
    });
    observer.observe({ type: "longtask" });
    const begun = performance.now();
    let steps = 0;
    for (let still = 0; still < 60 && performance.now() - begun < 40_000; steps += 1) {
      const before = element.scrollTop;
      const height = element.scrollHeight;
      element.scrollTop = before + element.clientHeight * (way === "up" ? -0.8 : 0.8);
      await new Promise((resolve) => requestAnimationFrame(resolve));
      still = element.scrollTop === before && element.scrollHeight === height ? still + 1 : 0;
    }
    observer.disconnect();
    const rows = Math.max(...Array.from(element.querySelectorAll<HTMLElement>("li[data-index]"), (row) => Number(row.dataset.index)));
    return { steps, rows, seconds: Math.round((performance.now() - begun) / 1_000), long: long.toSorted((one, other) => other - one) };
  }, direction);
}

export async function main(): Promise<void> {
  const server = await startServer();
  const browser = await openBrowser();
  try {
    const conversation = await fill(server);
    const { page } = await newPerson(browser, server.base);
    await page.goto(`/inbox/${conversation}`);
    await page.locator("[data-thread] [data-message]").first().waitFor();
    for (const [name, direction] of [
      ["as its pages are fetched", "up"],
      ["when they are there", "down"],
      ["and back", "up"],
    ] as const) {
      const { steps, rows, seconds, long } = await scroll(page, direction);
      process.stdout.write(`${name}: ${steps} steps in ${seconds} s, at row ${rows}, ${long.length} tasks over 50 ms; the longest: ${long.slice(0, 8).join(", ") || "none"}\n`);
    }
  } finally {
    await browser.close();
    await server.stop();
  }
}
