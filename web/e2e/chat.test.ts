/** Two people, each at their own window, who write to each other. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { composer, message, signIn, write } from "./acts";
import { newPerson, openBrowser, type Person } from "./browser";
import { type Server, startServer } from "./server";

let server: Server;
let browser: Browser;
let bugs: Person;
let duck: Person;
let conversation: number;
beforeAll(async () => {
  server = await startServer();
  browser = await openBrowser();
  await server.ask("POST", "/api/messages", { sender_user_name: "bugs", recipient_user_name: "duck", body: "What's up, duck?" });
  bugs = await newPerson(browser, server.base);
  duck = await newPerson(browser, server.base);
  await signIn(bugs.page, "bugs");
  await signIn(duck.page, "duck");
  await bugs.page.getByRole("link", { name: /duck/ }).first().click();
  await bugs.page.waitForURL(/\/inbox\/\d+/);
  conversation = Number(/\d+/.exec(new URL(bugs.page.url()).pathname)?.[0]);
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

function order({ page }: Person): Promise<(string | null)[]> {
  return page.locator("[data-thread] [data-message]").evaluateAll((rows) => rows.map((row) => row.getAttribute("data-message")));
}

it("marks a message as read only once the other has seen it", async () => {
  await write(bugs.page, "Are you there?");
  const asked = message(bugs.page, "Are you there?");
  await asked.waitFor();
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect(await asked.locator("[data-status=read]").count(), "duck has not opened it").toBe(0);

  await duck.page.goto(`/inbox/${conversation}`);
  await message(duck.page, "Are you there?").waitFor();
  await asked.locator("[data-status=read]").waitFor();
});

it("tells each that the other is writing, and stops when they sent it", async () => {
  await composer(duck.page).pressSequentially("It is rabbit season", { delay: 20 });
  await bugs.page.getByText("duck is writing").waitFor();
  await composer(duck.page).press("Enter");
  await message(bugs.page, "It is rabbit season").waitFor();
  await expect.poll(() => bugs.page.getByText("duck is writing").count()).toBe(0);
  await message(duck.page, "It is rabbit season").locator("[data-status=read]").waitFor();
});

it("shows what both said in the same order in both windows", async () => {
  for (let round = 1; round <= 5; round += 1) {
    await Promise.all([write(bugs.page, `Rabbit says ${round}`), write(duck.page, `Duck says ${round}`)]);
  }
  for (const { page } of [bugs, duck]) {
    await message(page, "Rabbit says 5").waitFor();
    await message(page, "Duck says 5").waitFor();
  }
  await expect.poll(async () => JSON.stringify(await order(bugs)) === JSON.stringify(await order(duck))).toBe(true);
  expect(new Set(await order(bugs)).size).toBe((await order(bugs)).length);
  for (const { witness } of [bugs, duck]) expect(witness).toEqual({ dialogs: [], elsewhere: [], failures: [] });
});
