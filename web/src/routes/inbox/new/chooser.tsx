/** What kind of conversation begins: the four ways, of which those are offered that its reader may use. */
import { Mail, MessageSquareText, MessagesSquare, Users, type LucideIcon } from "lucide-react";
import { classes } from "../../../parts/classes";

export type Kind = "text" | "email" | "chat" | "group";

const KINDS: Record<Kind, { label: string; icon: LucideIcon }> = {
  text: { label: "Text", icon: MessageSquareText },
  email: { label: "Email", icon: Mail },
  chat: { label: "Chat", icon: MessagesSquare },
  group: { label: "Group", icon: Users },
};

export function Chooser({ kinds, value, onChange }: { kinds: readonly Kind[]; value: Kind; onChange: (kind: Kind) => void }) {
  return (
    <fieldset className="mb-4">
      <legend className="sr-only">What kind of conversation</legend>
      <div className="grid auto-cols-fr grid-flow-col gap-1 rounded-lg bg-sunken p-1">
        {kinds.map((kind) => {
          const { label, icon: Icon } = KINDS[kind];
          return (
            <label
              key={kind}
              className={classes(
                "relative flex min-h-10 cursor-pointer items-center justify-center gap-1.5 rounded-md text-[0.8125rem] font-medium text-ink-muted has-focus-visible:outline-2 has-focus-visible:outline-accent sm:min-h-8",
                kind === value ? "bg-raised text-ink shadow-raised" : "hover:text-ink",
              )}
            >
              <input type="radio" name="kind" value={kind} checked={kind === value} onChange={() => onChange(kind)} className="absolute inset-0 cursor-pointer opacity-0" />
              <Icon aria-hidden="true" className="size-4" />
              {label}
            </label>
          );
        })}
      </div>
    </fieldset>
  );
}
