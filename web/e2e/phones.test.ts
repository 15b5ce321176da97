/** A newcomer's two minutes: everything on one screen. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { newPerson, openBrowser } from "./browser";
import { type Server, startServer } from "./server";

const MOBILE = "+12025550177";
const TWO_MINUTES = 120_000;

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

it("lets a newcomer sign up, sign in, send a text, see it delivered and answer it, within two minutes and without leaving the page", async () => {
  const begun = Date.now();
  const { context, page, witness } = await newPerson(browser, server.base);
  await page.goto("/phones");

  await page.getByRole("button", { name: "Sign up here" }).click();
  await page.getByLabel("Username").fill("newcomer");
  await page.getByLabel("Email").fill("newcomer@example.com");
  await page.getByLabel("Mobile").fill(MOBILE);
  await page.getByLabel("Password", { exact: true }).fill("a plum in June, 1987");
  await page.getByRole("button", { name: "Create the account" }).click();

  const phone = page.getByRole("region", { name: `Phone ${MOBILE}` });
  const arrived = phone.getByText(/^\d{6} is your Switchboard code/).first();
  const code = (await arrived.innerText()).slice(0, 6);
  await page.getByLabel("Code", { exact: true }).fill(code);
  await page.getByText(/Signed in as/).waitFor();

  expect(await page.getByLabel("To", { exact: true }).inputValue(), "it writes to one's own phone").toBe(MOBILE);
  await page.getByLabel("Text", { exact: true }).fill("Is this my phone?");
  await page.getByRole("button", { name: "Send the text" }).click();
  await phone.getByText("Is this my phone?").waitFor();
  const log = page.getByRole("log", { name: "Messages and their states" });
  await log.locator("[data-status=delivered], [data-status=read]").first().waitFor();

  await phone.getByRole("textbox", { name: `Answer from ${MOBILE}` }).fill("Yes, it is!");
  await phone.getByRole("button", { name: `Send from ${MOBILE}` }).click();
  await log.getByText("Yes, it is!").waitFor();
  await log.getByText("Answered").first().waitFor();

  expect(new URL(page.url()).pathname).toBe("/phones");
  expect(Date.now() - begun).toBeLessThan(TWO_MINUTES);
  expect(witness).toEqual({ dialogs: [], elsewhere: [], failures: [] });
  await context.close();
});

it("opens a mail as it opens a text", async () => {
  const { context, page, witness } = await newPerson(browser, server.base);
  await page.goto("/phones");
  await page.getByLabel("To", { exact: true }).fill("me@example.com");
  await page.getByLabel("Subject").fill("A first mail");
  await page.getByLabel("Mail", { exact: true }).fill("Dear me, how are you?");
  await page.getByRole("button", { name: "Send the mail" }).click();
  const mailbox = page.getByRole("region", { name: "Mailbox me@example.com" });
  await mailbox.getByRole("button", { name: /A first mail/ }).click();
  await page.getByRole("dialog").getByText("Dear me, how are you?").waitFor();
  expect(witness).toEqual({ dialogs: [], elsewhere: [], failures: [] });
  await context.close();
});
