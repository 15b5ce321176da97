/** Contract B's page, point by point. */
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { newPerson, openBrowser, type Person } from "./browser";
import { type Server, startServer } from "./server";

const LIGHT_BLUE = "rgb(173, 216, 230)";

interface SentText {
  message_id: number;
  recipient_phone: string;
  message_body: string;
  timestamp: string;
}

let server: Server;
let browser: Browser;
let person: Person;
let page: Page;
beforeAll(async () => {
  server = await startServer();
  browser = await openBrowser();
  for (const body of ["the first", "the second", "the third"]) {
    await server.ask("POST", "/send-message", { recipient_phone: "2015550101", message_body: body });
  }
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
});
beforeEach(async () => {
  person = await newPerson(browser, server.base);
  page = person.page;
  await page.goto("/send");
  await row("the third").waitFor();
});
afterEach(() => person.context.close());

const phone = () => page.locator("form input[type=tel]");
const text = () => page.locator("form textarea");
const submit = () => page.locator("form button[type=submit]");
const row = (body: string) => page.locator("li[data-message-id]").filter({ hasText: body });
const sent = () => server.ask<SentText[]>("GET", "/messages");

async function bodies(): Promise<string[]> {
  return page.locator("li[data-message-id] p[dir=auto]").allInnerTexts();
}

it("shows the sent messages above the form, in ascending order, though the API lists them in descending order", async () => {
  const listed = await sent();
  expect(listed.map((one) => Date.parse(one.timestamp))).toEqual(listed.map((one) => Date.parse(one.timestamp)).toSorted((one, other) => other - one));
  expect(await bodies()).toEqual(listed.map((one) => one.message_body).toReversed());

  const rows = await page.locator("li[data-message-id]").all();
  const tops = await Promise.all(rows.map(async (one) => (await one.boundingBox())?.y ?? Number.NaN));
  expect(tops).toEqual(tops.toSorted((one, other) => one - other));
  const last = await rows.at(-1)?.boundingBox();
  const form = await page.locator("form").boundingBox();
  expect((last?.y ?? Number.NaN) + (last?.height ?? 0), "the newest stands over the form").toBeLessThanOrEqual(form?.y ?? 0);
});

it("shows each with its phone, its text and its time, on light blue in both themes", async () => {
  const [newest] = await sent();
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await row("the third").evaluate((element) => getComputedStyle(element).backgroundColor), colorScheme).toBe(LIGHT_BLUE);
  }
  expect(await row("the third").innerText()).toContain("2015550101");
  expect(await row("the third").locator("time").getAttribute("datetime")).toBe(newest?.timestamp);
});

it("adds what is sent at the end, clears the form, and follows it until it is delivered", async () => {
  await phone().fill("2015550102");
  await text().fill("the fourth");
  await submit().click();
  await row("the fourth").waitFor();
  expect((await bodies()).at(-1)).toBe("the fourth");
  expect([await phone().inputValue(), await text().inputValue()]).toEqual(["", ""]);
  await row("the fourth").locator("[data-status=delivered], [data-status=read]").waitFor();
  expect((await sent())[0]).toMatchObject({ recipient_phone: "2015550102", message_body: "the fourth" });
});

it("wants ten digits: says so while more or other characters are typed, and when fewer are sent", async () => {
  const before = (await sent()).length;
  await phone().fill("20155501o2");
  await page.getByRole("alert").filter({ hasText: "Only digits" }).waitFor();
  await phone().fill("20155501023");
  await page.getByRole("alert").filter({ hasText: "11 digits" }).waitFor();
  await phone().fill("201555010");
  expect(await page.getByRole("alert").count(), "nine may become ten").toBe(0);
  await text().fill("too short a number");
  await submit().click();
  await page.getByRole("alert").filter({ hasText: "9 digits" }).waitFor();
  expect(await text().inputValue()).toBe("too short a number");
  expect(await sent()).toHaveLength(before);
});

it("says why the server refused, and keeps the text", async () => {
  await page.route("**/send-message", (route) =>
    route.fulfill({
      status: 400,
      contentType: "application/problem+json",
      json: { type: "about:blank", title: "Bad Request", status: 400, code: "invalid", detail: "no sender is configured", request_id: "r" },
    }),
  );
  await phone().fill("2015550103");
  await text().fill("a text to keep");
  await submit().click();
  await page.getByRole("alert").filter({ hasText: "No sender is configured" }).waitFor();
  expect([await phone().inputValue(), await text().inputValue()]).toEqual(["2015550103", "a text to keep"]);
});

it("keeps a text whose answer was lost, and sends it once however often it is tried", async () => {
  let lost = 0;
  await page.route("**/send-message", async (route) => {
    if (lost++ > 0) return route.continue();
    // The server takes it, and nobody hears of it.
    await route.fetch();
    return route.abort();
  });
  await phone().fill("2015550104");
  await text().fill("sent once");
  await submit().click();
  await page.getByRole("button", { name: "Try again" }).waitFor();
  expect(await text().inputValue()).toBe("sent once");
  await page.getByRole("button", { name: "Try again" }).click();
  await expect.poll(() => text().inputValue()).toBe("");
  expect(lost, "the first answer was lost").toBe(2);
  expect((await sent()).filter((one) => one.message_body === "sent once")).toHaveLength(1);
  await expect.poll(async () => (await bodies()).filter((body) => body === "sent once")).toHaveLength(1);
});
