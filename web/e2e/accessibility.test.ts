/** Nothing serious for axe-core on any page: wide and phone-sized, light and dark. Nor does any page scroll sideways. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { settle, signIn } from "./acts";
import { newPerson, openBrowser, type Person, PHONE, WIDE } from "./browser";
import { places } from "./pages";
import { type Scene, setScene } from "./scene";
import { type Server, startServer } from "./server";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const NARROWEST = 360;
const NOBODY: Scene = { text: 0, mail: 0, scheduled: 0 };

interface Finding {
  id: string;
  impact: string;
  nodes: { html: string; target: string[] }[];
}

let server: Server;
let browser: Browser;
let scene: Scene;
let operator: Person;
let person: Person;
beforeAll(async () => {
  server = await startServer();
  scene = await setScene(server);
  browser = await openBrowser();
  operator = await newPerson(browser, server.base, { reducedMotion: "reduce" });
  person = await newPerson(browser, server.base, { reducedMotion: "reduce" });
  await signIn(person.page, "bugs");
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

/** What axe-core calls serious or critical, by its rule and place. */
export async function findings(page: Page): Promise<string[]> {
  // What is evaluated is the test's own, and no script of the page: its policy stays as it is.
  await page.evaluate(AXE);
  const found = await page.evaluate(async (): Promise<Finding[]> => {
    const { violations } = await (globalThis as unknown as { axe: { run: (options: object) => Promise<{ violations: Finding[] }> } }).axe.run({ resultTypes: ["violations"] });
    return violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  });
  return found.flatMap(({ id, nodes }) => nodes.map(({ html, target }) => `${id}: ${target.join(" ")} ${html.slice(0, 160)}`));
}

describe.each(places(NOBODY).map(({ name }) => name))("%s", (name) => {
  it("has nothing serious for axe-core, and does not scroll sideways", async () => {
    const place = places(scene).find((one) => one.name === name);
    if (!place) throw new Error("no such page");
    const { page } = place.as === "operator" ? operator : person;
    const wrong: string[] = [];
    for (const [size, viewport] of Object.entries({ wide: WIDE, phone: PHONE })) {
      await page.setViewportSize(viewport);
      // What stands after a `#` alone loads nothing.
      await page.goto("about:blank");
      await page.goto(place.path);
      await settle(page);
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        // What is measured is what is painted, in its new colours.
        await settle(page);
        wrong.push(...(await findings(page)).map((finding) => `${size}, ${colorScheme}: ${finding}`));
      }
    }
    await page.setViewportSize({ width: NARROWEST, height: 740 });
    const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    if (content > window) wrong.push(`it is ${content} px wide in a window of ${window}`);
    expect(wrong).toEqual([]);
  });
});
