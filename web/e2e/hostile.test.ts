/** What people write is shown, and nothing of it runs: in names, bodies, subjects, mails, file names, labels, raw webhooks. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { settle, signIn } from "./acts";
import { newPerson, openBrowser } from "./browser";
import { places } from "./pages";
import { type Scene, setScene } from "./scene";
import { type Server, startServer } from "./server";

const OURS = "+12015550100";
const ELSEWHERE = "http://elsewhere.invalid";
const SCRIPT = `<script>window.ran="script";fetch("${ELSEWHERE}/script")</script>`;
const IMAGE = `<img src="${ELSEWHERE}/spy.png" onerror="window.ran='image'">`;
const ATTACK = `${SCRIPT}${IMAGE}<svg onload="window.ran='svg'"></svg>"><iframe src="javascript:parent.ran='frame'"></iframe>`;
const MAIL = [
  "<h1 onclick=\"window.ran='click'\">An offer</h1>",
  "<a href=\"javascript:top.ran='link'\">a script's link</a> <a href=\"https://example.com/fine\">a fine link</a>",
  SCRIPT,
  IMAGE,
  `<style>@import "${ELSEWHERE}/import.css"; body{background:url(${ELSEWHERE}/background.png)}</style>`,
  `<link rel="stylesheet" href="${ELSEWHERE}/sheet.css">`,
  `<meta http-equiv="refresh" content="0;url=${ELSEWHERE}/refresh">`,
  `<base href="${ELSEWHERE}/"><img src="relative.png">`,
  `<div style="background-image:url('${ELSEWHERE}/style.png');position:fixed;inset:0">over everything</div>`,
  `<form action="${ELSEWHERE}/form"><input name="password"><button>Go</button></form>`,
  `<iframe src="${ELSEWHERE}/frame"></iframe><object data="${ELSEWHERE}/object"></object><video src="${ELSEWHERE}/video" poster="${ELSEWHERE}/poster" autoplay></video>`,
  "<svg><script>top.ran='svg script'</script></svg><math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=top.ran='mxss'&gt;\">",
].join("\n");

let server: Server;
let browser: Browser;
let scene: Scene;
let hostile: { text: number; mail: number; media: number };

interface Sent {
  conversation_id: number;
}

beforeAll(async () => {
  server = await startServer();
  scene = await setScene(server);
  hostile = await plant(server);
  browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

async function plant({ ask }: Server): Promise<typeof hostile> {
  const text = await ask<Sent>("POST", "/api/webhooks/sms", { from: "+12015550166", to: OURS, type: "sms", messaging_provider_id: "h-1", body: ATTACK });
  await ask("POST", `/api/conversations/${text.conversation_id}/notes`, { body: ATTACK });
  const label = await ask<{ id: number }>("POST", "/api/labels", { name: `${SCRIPT}`.slice(0, 50) });
  await ask("PUT", `/api/conversations/${text.conversation_id}/labels/${label.id}`);
  await ask("POST", "/api/saved-replies", { name: IMAGE.slice(0, 60), body: ATTACK });
  await ask("POST", "/send-message", { recipient_phone: "2015550166", message_body: ATTACK });

  const mail = await ask<Sent>("POST", "/api/webhooks/email", { from: "mallory@example.com", to: "support@example.com", xillio_id: "h-2", subject: ATTACK, body: MAIL, attachments: [`javascript:window.ran='attachment'`, IMAGE] });
  await ask("POST", "/api/messages/email", { from: "support@example.com", to: "me@example.com", subject: ATTACK, body: MAIL });

  const file = new FormData();
  file.append("file", new Blob(["plain text"], { type: "text/plain" }), `"><img src=x onerror=window.ran='file'>.txt`);
  const { url } = await ask<{ url: string }>("POST", "/api/attachments", file);
  const media = await ask<Sent>("POST", "/api/messages/sms", { from: OURS, to: "+12015550167", type: "mms", body: "Look", attachments: [url, `javascript:window.ran='mms'`] });

  await ask("POST", "/api/webhooks/sms", { from: ATTACK, type: ATTACK, body: ATTACK });
  await ask("POST", "/api/keys", { name: IMAGE.slice(0, 60), scopes: ["messages:send"] });
  await ask("PATCH", "/api/settings", { name: IMAGE.slice(0, 60) });
  await ask("POST", "/api/messages", { sender_user_name: "duck", recipient_user_name: "bugs", body: ATTACK });
  return { text: text.conversation_id, mail: mail.conversation_id, media: media.conversation_id };
}

async function whatRan(page: Page): Promise<unknown> {
  return page.evaluate(() => Reflect.get(globalThis, "ran"));
}

it("runs nothing, opens no dialog and asks nobody else for anything, on any page", { timeout: 240_000 }, async () => {
  const operator = await newPerson(browser, server.base);
  const duck = await newPerson(browser, server.base);
  await signIn(duck.page, "duck", "/profile");
  await duck.page.getByLabel("Name", { exact: true }).fill(`${IMAGE}`.slice(0, 80));
  await duck.page.getByRole("button", { name: "Save" }).click();
  await duck.page.getByText("Your profile is changed").waitFor();
  const bugs = await newPerson(browser, server.base);
  await signIn(bugs.page, "bugs");
  await bugs.page.getByRole("link", { name: /duck|img/ }).first().click();
  await settle(bugs.page);

  const more = [hostile.text, hostile.mail, hostile.media].map((id) => ({ name: `hostile ${id}`, path: `/inbox/${id}`, as: "operator" as const }));
  for (const place of [...more, ...places(scene)]) {
    const { page } = place.as === "operator" ? operator : bugs;
    await page.goto(place.path);
    await settle(page);
    for (const frame of page.frames()) expect(await frame.evaluate(() => Reflect.get(globalThis, "ran")).catch(() => undefined), place.name).toBeUndefined();
    expect(await whatRan(page), place.name).toBeUndefined();
  }
  // A script that was there and was only kept from running by the policy would stand in the failures.
  for (const { witness } of [operator, duck, bugs]) expect(witness).toEqual({ dialogs: [], elsewhere: [], failures: [] });
});

it("shows it as it was written", async () => {
  const { context, page, witness } = await newPerson(browser, server.base);
  await page.goto(`/inbox/${hostile.text}`);
  await page.locator("[data-thread] [data-message] p[dir=auto]").filter({ hasText: SCRIPT }).first().waitFor();
  await page.goto(`/inbox/${hostile.media}`);
  await page.getByText("onerror=window.ran='file'").waitFor();
  expect(await page.locator("a[href^='javascript:']").count()).toBe(0);
  expect(witness).toEqual({ dialogs: [], elsewhere: [], failures: [] });
  await context.close();
});

it("keeps a mail in its frame, without its pictures from elsewhere, its forms and its scripts", async () => {
  const { context, page, witness } = await newPerson(browser, server.base);
  await page.goto(`/inbox/${hostile.mail}`);
  const frame = page.frameLocator("iframe[title^='Mail:']");
  await frame.getByText("An offer").click();
  expect(await page.locator("iframe[title^='Mail:']").getAttribute("sandbox")).not.toContain("allow-scripts");
  expect(await frame.locator("script, form, input, iframe, object, base[href^='http'], link[href^='http'], meta[http-equiv=refresh], [onclick], [onerror]").count()).toBe(0);
  expect(await frame.getByText("a fine link").getAttribute("href")).toBe("https://example.com/fine");
  expect(await frame.getByText("a script's link").getAttribute("href")).toBeNull();
  expect(await whatRan(page)).toBeUndefined();
  expect(witness).toEqual({ dialogs: [], elsewhere: [], failures: [] });
  await context.close();
});
