/** The line is cut, and comes back. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { composer, message, write } from "./acts";
import { newPerson, openBrowser } from "./browser";
import { type Server, startServer } from "./server";

const OURS = "+12015550100";

let server: Server;
let browser: Browser;
let conversation: number;
let number = 130;
beforeAll(async () => {
  server = await startServer();
  browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
});
beforeEach(async () => {
  number += 1;
  const hello = { from: OURS, to: `+12015550${number}`, type: "sms", body: "Hello" };
  conversation = (await server.ask<{ conversation_id: number }>("POST", "/api/messages/sms", hello)).conversation_id;
});

async function taken(text: string): Promise<number> {
  const { data } = await server.ask<{ data: { body: string }[] }>("GET", `/api/conversations/${conversation}/messages?limit=200`);
  return data.filter(({ body }) => body === text).length;
}

it("keeps what is written offline, says so, and sends it once when the line is back", async () => {
  const { context, page } = await newPerson(browser, server.base);
  await page.goto(`/inbox/${conversation}`);
  await message(page, "Hello").waitFor();

  await context.setOffline(true);
  await write(page, "Written offline");
  await write(page, "And another");
  await page.getByText("Kept here; sent when the server is reached").first().waitFor();
  await page.getByText("The server is out of reach.").waitFor();
  expect(await taken("Written offline")).toBe(0);
  expect(await composer(page).inputValue()).toBe("");

  await context.setOffline(false);
  await message(page, "Written offline").waitFor();
  await message(page, "And another").waitFor();
  await expect.poll(() => page.getByText("The server is out of reach.").count(), { timeout: 20_000 }).toBe(0);
  expect([await taken("Written offline"), await taken("And another")]).toEqual([1, 1]);
  const texts = await page.locator("[data-thread] [data-message] p[dir=auto]").allInnerTexts();
  expect(texts).toEqual(["Hello", "Written offline", "And another"]);
  await context.close();
});

it("sends what was written offline though the window was closed meanwhile", async () => {
  const { context, page } = await newPerson(browser, server.base);
  await page.goto(`/inbox/${conversation}`);
  await message(page, "Hello").waitFor();
  await context.setOffline(true);
  await write(page, "Written before the window closed");
  await page.getByText("Kept here; sent when the server is reached").waitFor();
  await page.close();
  await context.setOffline(false);
  const again = await context.newPage();
  await again.goto(`/inbox/${conversation}`);
  await message(again, "Written before the window closed").waitFor({ timeout: 40_000 });
  expect(await taken("Written before the window closed")).toBe(1);
  await context.close();
});

it("shows a message once whose answer was lost on the way", async () => {
  const { context, page } = await newPerson(browser, server.base);
  await page.goto(`/inbox/${conversation}`);
  await message(page, "Hello").waitFor();
  let lost = 0;
  await page.route("**/api/messages/sms", async (route) => {
    if (route.request().method() !== "POST" || lost > 0) return route.fallback();
    lost += 1;
    await route.fetch();
    return route.abort();
  });
  await write(page, "Heard twice, sent once");
  await message(page, "Heard twice, sent once").waitFor();
  await expect.poll(() => page.evaluate(() => Object.keys(localStorage).filter((key) => key.includes("outgoing.")).length), { timeout: 20_000 }).toBe(0);
  expect(lost).toBe(1);
  expect(await taken("Heard twice, sent once")).toBe(1);
  expect(await page.locator("[data-thread]").getByText("Heard twice, sent once").count()).toBe(1);
  await context.close();
});
