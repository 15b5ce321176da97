/** Two processes of the server on one PostgreSQL: what happens at one is seen at once in a window at the other. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { composer, message, readThread, signIn, write } from "./acts";
import { newPerson, openBrowser, type Person } from "./browser";
import { type Postgres, startPostgres } from "./postgres";
import { type Server, startServer } from "./server";

const OURS = "+12015550100";
const THEIRS = "+12015550123";
const ROUNDS = 10;

let postgres: Postgres;
let one: Server;
let other: Server;
let browser: Browser;
beforeAll(async () => {
  postgres = await startPostgres();
  one = await startServer(postgres);
  other = await startServer(postgres);
  browser = await openBrowser();
}, 300_000);
afterAll(async () => {
  await browser?.close();
  await Promise.all([one?.stop(), other?.stop()]);
  await postgres?.stop();
});

async function sms(body: string): Promise<number> {
  const sent = await other.ask<{ conversation_id: number }>("POST", "/api/messages/sms", { from: OURS, to: THEIRS, type: "sms", body });
  return sent.conversation_id;
}

async function texts({ page }: Person): Promise<string[]> {
  return (await readThread(page)).map(({ text }) => text);
}

async function endWell(...people: readonly Person[]): Promise<void> {
  for (const { context, witness } of people) {
    expect(witness).toEqual({ dialogs: [], elsewhere: [], failures: [] });
    await context.close();
  }
}

it("shows two people the same, each at a process of their own", async () => {
  await one.ask("POST", "/api/messages", { sender_user_name: "bugs", recipient_user_name: "duck", body: "Are you at the other one?" });
  const bugs = await newPerson(browser, one.base);
  const duck = await newPerson(browser, other.base);
  await signIn(bugs.page, "bugs");
  await signIn(duck.page, "duck");
  await bugs.page.getByRole("link", { name: /duck/ }).first().click();
  await bugs.page.waitForURL(/\/inbox\/\d+/);
  await duck.page.goto(new URL(bugs.page.url()).pathname);

  await composer(duck.page).pressSequentially("I am", { delay: 20 });
  await bugs.page.getByText("duck is writing").waitFor();
  await composer(duck.page).press("Enter");
  await message(bugs.page, "I am").waitFor();
  await message(duck.page, "I am").locator("[data-status=read]").waitFor();

  for (let round = 1; round <= ROUNDS; round += 1) {
    await Promise.all([write(bugs.page, `bugs ${round}.`), write(duck.page, `duck ${round}.`)]);
  }
  for (const person of [bugs, duck]) await expect.poll(async () => (await texts(person)).length, { timeout: 30_000 }).toBe(ROUNDS * 2 + 2);
  expect(await texts(bugs)).toEqual(await texts(duck));
  await endWell(bugs, duck);
});

it("goes on by the log when the process of a window is killed, and shows what happened meanwhile once", async () => {
  const conversation = await sms("Before");
  const agent = await newPerson(browser, one.base);
  await agent.page.goto(`/inbox/${conversation}`);
  await message(agent.page, "Before").waitFor();

  await one.kill();
  await sms("While it was away");
  await write(agent.page, "Written meanwhile");
  await one.start();
  await message(agent.page, "While it was away").waitFor({ timeout: 40_000 });
  await expect.poll(() => texts(agent), { timeout: 40_000 }).toEqual(["Before", "While it was away", "Written meanwhile"]);
  await message(agent.page, "Written meanwhile").locator("[data-status=delivered]").waitFor({ timeout: 40_000 });
  await sms("After");
  await message(agent.page, "After").waitFor();
  await endWell(agent);
});
