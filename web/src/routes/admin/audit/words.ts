/** The audit's entries in words. */
import type { Schemas } from "../../../api/client";

type Entry = Schemas["AuditEntry"];

/** Deeds as the server names them, and what they mean. One that is not here is shown by its name. */
export const ACTIONS: Record<string, string> = {
  "account.created": "Signed up",
  "account.locked": "Account locked after wrong passwords",
  "sign_in.verified": "Signed in",
  "sign_in.refused": "Wrong password",
  "code.refused": "Wrong code",
  "recovery.begun": "Asked to recover a password",
  "password.recovered": "Recovered the password",
  "password.changed": "Changed the password",
  "profile.changed": "Changed the profile",
  "email.confirmed": "Confirmed the email address",
  "totp.begun": "Began to set an authenticator app",
  "totp.on": "Set an authenticator app",
  "totp.off": "Removed the authenticator app",
  "recovery_codes.made": "Made recovery codes",
  "session.ended": "Ended a session",
  "session.others_ended": "Ended all other sessions",
  "member.created": "Made a member",
  "member.role_changed": "Changed a role",
  "member.removed": "Removed a member",
  "invitation.created": "Invited somebody",
  "invitation.accepted": "Accepted an invitation",
  "invitation.revoked": "Took an invitation back",
  "key.created": "Made an API key",
  "key.revoked": "Revoked an API key",
  "settings.changed": "Changed the settings",
  "workspace.created": "Made a workspace",
  "provider.paused": "Paused a provider",
  "provider.resumed": "Let a provider go on",
  "quarantined.replayed": "Read something in quarantine again",
  "quarantined.deleted": "Deleted something in quarantine",
  "contact.created": "Made a contact",
  "contact.merged": "Joined two contacts",
  "contact.deleted": "Deleted a contact",
  "contact.address_added": "Gave a contact an address",
  "contact.address_removed": "Took an address from a contact",
  "webhook.created": "Made a webhook endpoint",
  "webhook.changed": "Changed a webhook endpoint",
  "webhook.rotated": "Gave a webhook endpoint another secret",
  "webhook.tested": "Tried a webhook endpoint",
  "webhook.replayed": "Told a webhook endpoint again",
  "webhook.deleted": "Deleted a webhook endpoint",
};

export function deedOf({ action }: Entry): string {
  return ACTIONS[action] ?? action.replaceAll(/[._]/g, " ");
}

export function actorName({ actor, actor_name }: Entry): string {
  return actor_name ?? (actor === "operator" ? "The operator" : actor);
}

export function targetName({ target, target_name }: Entry): string {
  return target_name ?? target;
}

/** What else is known, as `role: admin, from: member`. */
export function details(data: unknown): string {
  if (typeof data !== "object" || data === null) return "";
  return Object.entries(data)
    .map(([name, value]) => `${name.replaceAll("_", " ")}: ${show(value)}`)
    .join(", ");
}

function show(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
