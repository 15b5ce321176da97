/** Debian's Chromium, and people at it: each with a window of their own, and a witness of what happens in it. */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";

export const WIDE = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };

const PATIENCE_MS = 20_000;
const NAMES = ["chromium", "chromium-browser", "google-chrome"];

export async function openBrowser(): Promise<Browser> {
  const args = ["--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update"];
  // Chromium's sandbox does not run for root.
  if (process.getuid?.() === 0) args.push("--no-sandbox");
  return chromium.launch({ executablePath: findChromium(), args, timeout: 60_000 });
}

function findChromium(): string {
  const { CHROMIUM, PATH = "" } = process.env;
  const found = CHROMIUM ?? PATH.split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, name))).find(existsSync);
  if (found === undefined) throw new Error("Chromium is missing (Debian: apt-get install chromium), or name it in CHROMIUM");
  return found;
}

/** What must not happen in any window, whatever is shown there. */
export interface Witness {
  /** Dialogs that opened: `alert` and its kin. */
  dialogs: string[];
  /** Addresses of requests to anywhere but the server. */
  elsewhere: string[];
  /** What the page threw, and what its policy forbade. */
  failures: string[];
}

export interface Person {
  context: BrowserContext;
  page: Page;
  witness: Witness;
}

export async function newPerson(browser: Browser, base: string, options: BrowserContextOptions = {}): Promise<Person> {
  const context = await browser.newContext({ baseURL: base, viewport: WIDE, locale: "en-GB", timezoneId: "UTC", ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  const witness: Witness = { dialogs: [], elsewhere: [], failures: [] };
  const own = new URL(base).host;
  context.on("request", (request) => {
    const { host, protocol } = new URL(request.url());
    const isElsewhere = /^(?:https?|wss?|ftp):$/.test(protocol) && host !== own;
    if (isElsewhere) witness.elsewhere.push(request.url());
  });
  context.on("dialog", (dialog) => {
    witness.dialogs.push(dialog.message());
    void dialog.dismiss();
  });
  context.on("weberror", (failure) => witness.failures.push(String(failure.error())));
  context.on("console", (message) => {
    if (message.type() === "error" && /Content Security Policy|Refused to/i.test(message.text())) witness.failures.push(message.text());
  });
  return { context, page: await context.newPage(), witness };
}
