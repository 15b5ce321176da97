/** What an endpoint may be told. */
import type { Schemas } from "../../../api/client";

export type WebhookEvent = Schemas["WebhookEvent"];

/** `ping` is not among them: every endpoint is told of one when it is tried. */
export const EVENTS: readonly { name: WebhookEvent; hint: string }[] = [
  { name: "message.accepted", hint: "A message is kept, and will be sent" },
  { name: "message.sent", hint: "A provider passed it on" },
  { name: "message.delivered", hint: "It arrived" },
  { name: "message.failed", hint: "It was given up, refused, or sent back" },
  { name: "message.unknown", hint: "Nobody knows whether it was sent" },
  { name: "message.received", hint: "Somebody wrote" },
  { name: "conversation.created", hint: "A conversation began" },
  { name: "conversation.updated", hint: "It was assigned, snoozed, closed, or labelled" },
  { name: "consent.changed", hint: "Somebody opted in or out" },
];
