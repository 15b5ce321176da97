/** What brought a consent about and what shows it, in words. */
import type { Schemas } from "../../../api/client";

type Consent = Schemas["Consent"];

export function sourceOf({ source, state, actor }: Pick<Consent, "source" | "state" | "actor">): string {
  switch (source) {
    case "keyword":
      return state === "opted_out" ? "They answered with a word that stops texts" : "They answered with a word that starts texts";
    case "one_click":
      return "By the link in a mail";
    case "bounce":
      return "A mail came back";
    case "complaint":
      return "They reported a mail as spam";
    case "provider":
      return "The provider says so";
    case "api":
      return `Written down by ${actorName(actor)}`;
  }
}

function actorName(actor: string): string {
  if (actor === "" || actor === "operator") return "the operator";
  const [kind, id] = actor.split(":");
  return kind === "key" ? `API key ${id}` : `user ${id}`;
}

/** The words themselves: what was said, or what was noted. Ids are left out. */
export function evidenceOf({ evidence }: Pick<Consent, "evidence">): string | undefined {
  if (typeof evidence !== "object" || evidence === null) return typeof evidence === "string" && evidence !== "" ? evidence : undefined;
  const lines = Object.entries(evidence).flatMap(([name, value]: [string, unknown]) => {
    if (name.endsWith("_id") || value === null || value === "") return [];
    const text = typeof value === "string" ? value : JSON.stringify(value);
    return name === "note" || name === "text" ? [text] : [`${name.replaceAll("_", " ")}: ${text}`];
  });
  return lines.length === 0 ? undefined : lines.join("\n");
}
