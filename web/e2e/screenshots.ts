/** Makes the pictures of every page, wide and phone-sized, in `docs/pictures`: `make screenshots`. */
import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { settle, signIn } from "./acts";
import { newPerson, openBrowser, PHONE, WIDE } from "./browser";
import { places } from "./pages";
import { setScene } from "./scene";
import { startServer } from "./server";

const FOLDER = resolve("../docs/pictures");
const SIZES = { wide: WIDE, phone: PHONE };
/** Shown in the dark too. */
const IN_THE_DARK = new Set(["conversation"]);

export async function main(): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  const server = await startServer();
  const browser = await openBrowser();
  try {
    const scene = await setScene(server);
    const operator = await newPerson(browser, server.base, { reducedMotion: "reduce", colorScheme: "light" });
    const person = await newPerson(browser, server.base, { reducedMotion: "reduce", colorScheme: "light" });
    await signIn(person.page, "bugs");
    for (const place of places(scene)) {
      const { page } = place.as === "operator" ? operator : person;
      for (const [size, viewport] of Object.entries(SIZES)) {
        await page.setViewportSize(viewport);
        await page.goto("about:blank");
        await page.goto(place.path);
        await settle(page);
        await page.screenshot({ path: `${FOLDER}/${place.name}-${size}.png`, animations: "disabled" });
        if (!IN_THE_DARK.has(place.name)) continue;
        await page.emulateMedia({ colorScheme: "dark" });
        await page.screenshot({ path: `${FOLDER}/${place.name}-${size}-dark.png`, animations: "disabled" });
        await page.emulateMedia({ colorScheme: "light" });
      }
    }
  } finally {
    await browser.close();
    await server.stop();
  }
}
