/** What people do in the app, by what they see of it. */
import type { Locator, Page } from "playwright-core";
import { expect } from "vitest";

/** Signs in as one of the people of `dev`, with the code from their simulated phone. */
export async function signIn(page: Page, name: string, next = "/inbox"): Promise<void> {
  await page.goto(`/sign-in?next=${encodeURIComponent(next)}`);
  await page.getByRole("button", { name, exact: true }).click();
  await page.getByRole("button", { name: "Enter this code" }).click();
  await page.waitForURL((url) => url.pathname === next);
}

export function composer(page: Page): Locator {
  return page.getByRole("textbox", { name: "Message", exact: true });
}

export async function write(page: Page, text: string): Promise<void> {
  const box = composer(page);
  await box.fill(text);
  await box.press("Enter");
}

/** The message whose text holds that. */
export function message(page: Page, text: string): Locator {
  return page.locator("[data-thread] [data-message]").filter({ hasText: text });
}

export interface Shown {
  id: number;
  text: string;
}

/** Every message of the open thread in the order of the screen, read as one scrolls from its beginning to its end. */
export async function readThread(page: Page): Promise<Shown[]> {
  const thread = page.locator("[data-thread]");
  await expect
    .poll(
      async () => {
        await thread.evaluate((element) => {
          element.scrollTop = 0;
        });
        return page.getByText("The beginning of the conversation").isVisible();
      },
      { timeout: 60_000, interval: 100 },
    )
    .toBe(true);
  const found = new Map<number, Shown>();
  const seen = new Set<number>();
  for (let isAtEnd = false; !isAtEnd; ) {
    const rows = await thread.evaluate((element) =>
      Array.from(element.querySelectorAll<HTMLElement>("li[data-index]"), (row) => {
        const message = row.querySelector<HTMLElement>("[data-message]");
        return { index: Number(row.dataset.index), id: Number(message?.dataset.message), text: message?.querySelector("[dir=auto]")?.textContent ?? "" };
      }),
    );
    for (const { index, id, text } of rows) {
      seen.add(index);
      if (Number.isNaN(id)) continue;
      const before = found.get(index);
      if (before && before.id !== id) throw new Error(`row ${index} was message ${before.id}, and became ${id}`);
      found.set(index, { id, text });
    }
    isAtEnd = await thread.evaluate(async (element) => {
      const before = element.scrollTop;
      element.scrollTop = before + element.clientHeight * 0.6;
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      return element.scrollTop === before;
    });
  }
  const passed = Array.from({ length: Math.max(...seen) + 1 }, (_, index) => index).filter((index) => !seen.has(index));
  if (passed.length > 0) throw new Error(`rows ${passed[0]} to ${passed.at(-1)} were scrolled past before they were drawn (${passed.length} rows)`);
  return [...found].toSorted(([one], [other]) => one - other).map(([, shown]) => shown);
}

/** Waits until nothing of the page is a skeleton any more, and what is shown stands still. */
export async function settle(page: Page): Promise<void> {
  await page
    .locator("h1, h2")
    .first()
    .waitFor({ state: "attached" })
    .catch(async (error: unknown) => {
      throw new Error(`${page.url()} has no heading:\n${await page.locator("body").innerText()}`, { cause: error });
    });
  await page.waitForFunction(() => document.querySelector(".animate-pulse.bg-sunken, .animate-pulse.bg-surface") === null);
  await page.evaluate(async () => {
    await document.fonts.ready;
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  });
}
