/** Copying, also where the page was loaded over plain HTTP and has no clipboard. */
import { render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { copyAndTell, copyText } from "./copy-text";
import * as toasts from "./toasts";

/** What the browser would have copied, and where it was selected. */
let copied: { text: string; within: Element | null }[];

beforeEach(() => {
  copied = [];
  vi.stubGlobal("navigator", { clipboard: undefined });
  document.execCommand = vi.fn<() => boolean>(() => {
    const box = document.querySelector<HTMLTextAreaElement>("textarea.fixed");
    copied.push({ text: box?.value ?? "", within: box?.parentElement ?? null });
    return true;
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  Reflect.deleteProperty(document, "execCommand");
});

test("a text is copied by a selection where there is no clipboard, and said to be", async () => {
  const said = vi.spyOn(toasts, "toast");
  await copyAndTell("a secret", "The secret is copied");
  expect(copied).toEqual([{ text: "a secret", within: document.body }]);
  expect(said).toHaveBeenCalledWith("The secret is copied");
  expect(document.querySelector("textarea")).toBeNull();
});

test("it is selected within the open dialog, which keeps the focus", async () => {
  render(
    <div role="dialog">
      <button type="button">Copy</button>
    </div>,
  );
  screen.getByRole("button").focus();
  await copyText("a secret");
  expect(copied).toEqual([{ text: "a secret", within: screen.getByRole("dialog") }]);
  expect(screen.getByRole("button")).toHaveFocus();
});

test("what could not be copied is not said to be", async () => {
  const [said, failed] = [vi.spyOn(toasts, "toast"), vi.spyOn(toasts, "toastFailure")];
  vi.mocked(document.execCommand).mockReturnValue(false);
  await copyAndTell("a secret", "The secret is copied");
  expect(said).not.toHaveBeenCalled();
  expect(failed).toHaveBeenCalledOnce();
});
