/** From an account that is made to a password that is changed. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { newPerson, openBrowser } from "./browser";
import { type Server, startServer } from "./server";

const MOBILE = "+12025550188";
const FIRST = "a plum in June, 1987";
const SECOND = "two pears in May, 2003";

interface Carried {
  body: string;
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

async function texts(): Promise<string[]> {
  const { data } = await server.ask<{ data: Carried[] }>("GET", `/api/simulator/handsets/${encodeURIComponent(MOBILE)}`);
  return data.map(({ body }) => body).filter((body) => body.includes("Switchboard code"));
}

/** The code of the text that is the n-th to arrive. */
async function code(nth: number): Promise<string> {
  await expect.poll(async () => (await texts().catch(() => [])).length, { timeout: 20_000 }).toBeGreaterThanOrEqual(nth);
  return (await texts())[nth - 1]?.slice(0, 6) ?? "";
}

function status(path: string, method: string, body: unknown): Promise<number> {
  const request = { method, body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
  return fetch(server.base + path, request).then((response) => response.status);
}

it("makes an account, refuses what is wrong with it beside its field, takes the code, and changes the password with another", async () => {
  const { context, page, witness } = await newPerson(browser, server.base);
  await page.goto("/sign-up");
  await page.getByLabel("Username").fill("ann");
  await page.getByLabel("Email").fill("annie@example.com");
  await page.getByLabel("Mobile").fill(MOBILE);
  await page.getByLabel("Password", { exact: true }).fill("password");
  await page.getByRole("button", { name: "Create the account" }).click();
  await page.getByRole("alert").first().waitFor();
  expect(await page.getByLabel("Username").getAttribute("aria-invalid")).toBe("true");
  expect(await page.getByLabel("Email").inputValue(), "what was typed is kept").toBe("annie@example.com");

  await page.getByLabel("Username").fill("annie");
  await page.getByLabel("Password", { exact: true }).fill(FIRST);
  await page.getByRole("button", { name: "Create the account" }).click();
  const field = page.getByLabel("Code", { exact: true });
  await field.waitFor();
  expect(await field.getAttribute("autocomplete")).toBe("one-time-code");
  const login = await code(1);
  await field.fill(login === "000000" ? "000001" : "000000");
  await page.getByRole("alert").first().waitFor();
  expect(new URL(page.url()).pathname, "a wrong code lets nobody in").toBe("/sign-up");
  // As it is pasted from the text.
  await field.fill(`${login.slice(0, 3)} ${login.slice(3)}`);
  await page.waitForURL((url) => url.pathname === "/inbox");

  await page.goto("/profile");
  const mobile = page.getByLabel("Mobile");
  expect([await mobile.inputValue(), await mobile.getAttribute("readonly")]).toEqual([MOBILE, ""]);
  await page.getByLabel("New password").fill(SECOND);
  await page.getByRole("button", { name: "Change the password" }).click();
  const dialog = page.getByRole("dialog", { name: "Confirm that it is you" });
  await dialog.getByLabel("Code", { exact: true }).fill(await code(2));
  await page.getByText("Your password is changed").waitFor();

  expect(await status("/api/auth/login", "POST", { login: "annie", password: FIRST }), "the old one").toBe(401);
  expect(await status("/api/auth/login", "POST", { login: "annie", password: SECOND }), "the new one").not.toBe(401);
  await page.reload();
  await page.getByRole("heading", { name: "Profile" }).waitFor();
  expect(witness).toEqual({ dialogs: [], elsewhere: [], failures: [] });
  await context.close();
});
