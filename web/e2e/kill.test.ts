/**
 * The server is killed and started again in the middle of a conversation: what one writes and what comes in stands on the
 * screen once, and in order.
 */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { composer, readThread, write } from "./acts";
import { newPerson, openBrowser } from "./browser";
import { type Server, startServer } from "./server";

const MESSAGES = 1_000;
const KILLS = 10;
/** So many are written while the server is away. */
const MEANWHILE = 4;
const OURS = "+12015550100";
const THEIRS = "+12015550123";

interface Listed {
  id: number;
  body: string;
  direction: string;
  timestamp: string;
}

let server: Server;
let browser: Browser;
beforeAll(async () => {
  server = await startServer();
  browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

/** A carrier that tells again until it is heard, as they do. */
async function tell(nth: number): Promise<void> {
  const told = { from: THEIRS, to: OURS, type: "sms", body: `in ${nth}.`, messaging_provider_id: `in-${nth}`, timestamp: new Date().toISOString() };
  for (;;) {
    try {
      await server.ask("POST", "/api/webhooks/sms", told);
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function listAll(conversation: number): Promise<Listed[]> {
  const found: Listed[] = [];
  for (let cursor = ""; ; ) {
    const page = await server.ask<{ data: Listed[]; next_cursor: string | null }>("GET", `/api/conversations/${conversation}/messages?limit=200${cursor}`);
    found.push(...page.data);
    if (page.next_cursor === null) return found;
    cursor = `&cursor=${encodeURIComponent(page.next_cursor)}`;
  }
}

const named = (kind: string) => Array.from({ length: MESSAGES / 2 }, (_, index) => `${kind} ${index + 1}.`);
const of = (texts: readonly string[], kind: string) => texts.filter((text) => text.startsWith(`${kind} `));

it(`loses, doubles and misplaces none of ${MESSAGES} messages over ${KILLS} kills`, { timeout: 600_000 }, async () => {
  const { conversation_id: conversation } = await server.ask<{ conversation_id: number }>("POST", "/api/messages/sms", { from: OURS, to: THEIRS, type: "sms", body: "Hello" });
  const { context, page, witness } = await newPerson(browser, server.base);
  await page.goto(`/inbox/${conversation}`);
  await composer(page).waitFor();

  let kills = 0;
  let startsAt = 0;
  const every = Math.floor(MESSAGES / 2 / (KILLS + 1));
  let telling = Promise.resolve();
  for (let nth = 1; nth <= MESSAGES / 2; nth += 1) {
    await write(page, `out ${nth}.`);
    telling = telling.then(() => tell(nth));
    if (nth % every === 0 && kills < KILLS) {
      // In the middle of both.
      await server.kill();
      kills += 1;
      startsAt = nth + MEANWHILE;
    }
    if (nth === startsAt) await server.start();
  }
  await telling;
  expect(kills).toBe(KILLS);

  // The outbox of the browser empties by itself.
  await expect.poll(async () => of((await listAll(conversation)).map(({ body }) => body), "out").length, { timeout: 120_000, interval: 500 }).toBe(MESSAGES / 2);
  await expect.poll(() => page.evaluate(() => Object.keys(localStorage).filter((key) => key.includes("outgoing.")).length), { timeout: 30_000 }).toBe(0);

  const listed = await listAll(conversation);
  const inOrder = listed.toSorted((one, other) => (one.timestamp < other.timestamp ? -1 : one.timestamp > other.timestamp ? 1 : one.id - other.id));
  for (const look of ["as it grew", "when it is opened anew"]) {
    if (look !== "as it grew") await page.reload();
    await page.locator(`[data-thread] [data-message="${inOrder.at(-1)?.id}"]`).waitFor({ timeout: 60_000 });
    // The last may be one of its own, which it shows before it hears of what came in meanwhile.
    const missing = async () => {
      const ids = new Set((await readThread(page)).map(({ id }) => id));
      return inOrder.filter(({ id }) => !ids.has(id)).map(({ id, body }) => `${id} ${body}`);
    };
    await expect.poll(missing, { message: `${look}: what is missing`, timeout: 60_000, interval: 500 }).toEqual([]);
    const shown = await readThread(page);
    const texts = shown.map(({ text }) => text);
    expect(of(texts, "out"), `${look}: what was written`).toEqual(named("out"));
    expect(of(texts, "in"), `${look}: what came in`).toEqual(named("in"));
    expect(shown.map(({ id }) => id), `${look}: as the server has them`).toEqual(inOrder.map(({ id }) => id));
  }
  expect(witness).toEqual({ dialogs: [], elsewhere: [], failures: [] });
  await context.close();
});
