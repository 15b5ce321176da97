/** Light, dark, or as the system is. */
import { atom } from "jotai";
import { storedAtom } from "./stored";

export type Theme = "system" | "light" | "dark";

const keptTheme = storedAtom<Theme>("theme", (kept) => (kept === "light" || kept === "dark" ? kept : "system"));

export const themeAtom = atom(
  (get) => get(keptTheme),
  (_get, set, theme: Theme) => {
    set(keptTheme, theme);
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  },
);
