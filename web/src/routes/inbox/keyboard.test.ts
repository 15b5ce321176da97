import { afterEach, expect, it, vi } from "vitest";
import { actionOf, type InboxActions } from "./keyboard";

const actions = { move: vi.fn<InboxActions["move"]>(), search: vi.fn(), reply: vi.fn(), compose: vi.fn(), help: vi.fn(), back: vi.fn() };

afterEach(() => {
  document.body.replaceChildren();
  for (const action of Object.values(actions)) action.mockClear();
});

function press(key: string, target: HTMLElement = document.body, options: KeyboardEventInit = {}, areKeysOn = true) {
  if (target !== document.body) document.body.append(target.closest("section") ?? target);
  const seen: KeyboardEvent[] = [];
  document.addEventListener("keydown", (event) => seen.push(event), { once: true });
  target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, ...options }));
  const [event] = seen;
  const act = event && actionOf(event, areKeysOn);
  act?.(actions);
  return act !== undefined;
}

it("goes through the list and to its places", () => {
  press("j");
  press("k");
  expect(actions.move.mock.calls).toEqual([[1], [-1]]);
  press("/");
  press("r");
  press("?");
  press("Escape");
  for (const action of [actions.search, actions.reply, actions.help, actions.back]) expect(action).toHaveBeenCalledOnce();
});

it("leaves the keys of whoever writes alone", () => {
  expect(press("j", document.createElement("textarea"))).toBe(false);
  expect(press("r", document.createElement("input"))).toBe(false);
});

it("leaves dialogs, menus and the browser's own keys alone", () => {
  const dialog = document.createElement("section");
  dialog.setAttribute("role", "dialog");
  const button = document.createElement("button");
  dialog.append(button);
  expect(press("Escape", button)).toBe(false);
  expect(press("r", document.body, { ctrlKey: true })).toBe(false);
  expect(press("j", document.body, { isComposing: true })).toBe(false);
  expect(press("toString")).toBe(false);
});

it("leaves a field by Escape before anything else", () => {
  press("Escape", document.createElement("textarea"));
  expect(actions.back).not.toHaveBeenCalled();
});

it("leaves single keys alone where they are switched off, but for Escape", () => {
  for (const key of ["j", "k", "/", "r", "c", "?"]) expect(press(key, document.body, {}, false)).toBe(false);
  expect(press("Escape", document.body, {}, false)).toBe(true);
  expect(actions.back).toHaveBeenCalledOnce();
});
