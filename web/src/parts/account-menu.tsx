/** Who is signed in, the theme, and the way out. */
import { useNavigate } from "@tanstack/react-router";
import { useAtom } from "jotai";
import { BookOpen, LogIn, LogOut, User } from "lucide-react";
import { areKeysOnAtom } from "../state/preferences";
import { identityOf, useSession } from "../state/session";
import { type Theme, themeAtom } from "../state/theme";
import { Avatar } from "./avatar";
import { Menu, MenuChoices, MenuItem, MenuLabel, MenuSeparator } from "./menu";
import { useSignOut } from "./sign-out";
import { toastFailure } from "./toasts";

const THEMES: { value: Theme; label: string }[] = [
  { value: "system", label: "As the system" },
  { value: "light", label: "Light" },
  { value: "dark", label: "Dark" },
];

const KEYS = [
  { value: "on", label: "On" },
  { value: "off", label: "Off" },
] as const;

export function AccountMenu() {
  const session = useSession();
  const [theme, setTheme] = useAtom(themeAtom);
  const [areKeysOn, setKeysOn] = useAtom(areKeysOnAtom);
  const navigate = useNavigate();
  // A page of its own: nothing of the last one stays in memory.
  const leave = useSignOut(identityOf(session), () => location.assign("/sign-in"), stillIn);
  const name = session.kind === "user" ? session.user.name || session.user.username : "Local operator";

  return (
    <>
      <Menu
        side="top"
        align="start"
        trigger={
          <button
            type="button"
            className="flex min-h-12 w-full flex-col items-center justify-center gap-0.5 rounded-lg hover:bg-hover aria-expanded:bg-hover"
          >
            <Avatar name={name} size="small" />
            <span className="sr-only">Account:</span>
            <span className="max-w-full truncate px-1 text-[0.6875rem] font-medium text-ink-muted">
              {session.kind === "user" ? session.user.username : "Operator"}
            </span>
          </button>
        }
      >
        <MenuLabel>
          {session.kind === "user" ? (
            <>
              <bdi className="block text-sm font-medium text-ink">{name}</bdi>
              <bdi>{session.user.email}</bdi>
            </>
          ) : (
            <>
              <span className="block text-sm font-medium text-ink">Local operator</span>
              This machine needs no sign-in in dev.
            </>
          )}
        </MenuLabel>
        <MenuSeparator />
        {session.kind === "user" && (
          <MenuItem icon={User} onSelect={() => void navigate({ to: "/profile" })}>
            Profile
          </MenuItem>
        )}
        <MenuItem icon={BookOpen} onSelect={() => window.open("/api-docs/", "_blank", "noopener")}>
          API documentation
        </MenuItem>
        <MenuSeparator />
        <MenuChoices label="Theme" value={theme} options={THEMES} onChange={setTheme} />
        <MenuSeparator />
        <MenuChoices label="Single keys in the inbox" value={areKeysOn ? "on" : "off"} options={KEYS} onChange={(value) => setKeysOn(value === "on")} />
        <MenuSeparator />
        {session.kind === "user" ? (
          <MenuItem icon={LogOut} onSelect={() => leave.start()}>
            Sign out
          </MenuItem>
        ) : (
          <MenuItem icon={LogIn} onSelect={() => void navigate({ to: "/sign-in" })}>
            Sign in
          </MenuItem>
        )}
      </Menu>
      {leave.question}
    </>
  );
}

function stillIn(error: unknown) {
  toastFailure("You are still signed in", error);
}
