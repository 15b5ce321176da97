import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { readFileSync } from "node:fs";
import { expect, it, vi } from "vitest";
import type { Message } from "../../../api/thread";
import { hasForeignPictures, MailBody } from "./mail";
import { fitFrame, frameDocument, MailFrame } from "./mail-frame";

it("shows a mail's HTML in a frame that may run nothing", () => {
  render(<MailFrame id={1} html="<p>hello</p>" title="Mail: hello" />);
  const frame = screen.getByTitle("Mail: hello");
  const sandbox = frame.getAttribute("sandbox") ?? "allow-scripts";
  expect(sandbox.split(" ")).not.toContain("allow-scripts");
  expect(sandbox.split(" ")).not.toContain("allow-forms");
  expect(sandbox.split(" ")).not.toContain("allow-top-navigation");
});

it("gives the frame a policy of its own, before anything of the mail", () => {
  const whole = frameDocument("<p>x</p>", "dark");
  expect(whole.indexOf("default-src 'none'")).toBeLessThan(whole.indexOf("<p>x</p>"));
  expect(whole).toContain('data-theme="dark"');
  expect(whole).not.toMatch(/script-src|style>|http-equiv="refresh"/);
  expect(frameDocument("", "system")).not.toContain("data-theme");
});

it("makes its frame as high as a mail, and lets one that is longer than any frame scroll to its end", () => {
  const mail = document.createElement("body");
  const height = vi.spyOn(mail, "scrollHeight", "get").mockReturnValue(25_000.4);
  expect(fitFrame(mail)).toBe(20_000);
  const sheet = readFileSync("src/routes/inbox/thread/mail.css", "utf8");
  const long = [...sheet.matchAll(/^(body\S*) \{[^}]*overflow: auto;/gm)].map(([, selector = ""]) => selector);
  expect(long.filter((selector) => mail.matches(selector))).toHaveLength(1);
  height.mockReturnValue(300.4);
  expect(fitFrame(mail)).toBe(301);
  expect(long.some((selector) => mail.matches(selector))).toBe(false);
});

it("folds what a mail quotes until it is asked for", async () => {
  const message = { id: 1, body: "New.\n\n> Old.", new_text: "New.", subject: "Re: x" } as Message;
  render(<MailBody message={message} />);
  expect(screen.getByText("New.")).toBeVisible();
  expect(screen.queryByText(/Old/)).toBeNull();
  await userEvent.click(screen.getByRole("button", { expanded: false }));
  expect(screen.getByText(/Old/)).toBeVisible();
});

it("knows a mail whose pictures are elsewhere", () => {
  expect(hasForeignPictures('<p><img alt="x"></p>')).toBe(true);
  expect(hasForeignPictures('<img alt="x" src="/api/attachments/7">')).toBe(false);
  expect(hasForeignPictures("<p>src=</p>")).toBe(false);
});
