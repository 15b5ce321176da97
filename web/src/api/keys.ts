/** The keys of what the server told us. A key is the prefix of those below it, so that a change drops no more than it must. */
import type { paths } from "./schema";

type QueryOf<P extends keyof paths> = paths[P] extends { get: { parameters: { query?: infer Q } } } ? NonNullable<Q> : never;

export type ConversationFilter = Omit<QueryOf<"/api/conversations">, "cursor" | "limit">;

export const keys = {
  app: ["app"],
  session: ["session"],
  sessions: ["sessions"],
  workspaces: ["workspaces"],

  /** Every list of conversations, whatever its filter. */
  conversations: ["conversations"],
  conversationList: (filter: ConversationFilter) => ["conversations", filter],
  /** All that is known of each of them. */
  everyConversation: ["conversation"],
  /** All that is known of one conversation; what follows lies under it. */
  conversation: (id: number) => ["conversation", id],
  conversationHead: (id: number) => ["conversation", id, "head"],
  messages: (id: number) => ["conversation", id, "messages"],
  message: (id: number, message: number) => ["conversation", id, "message", message],
  timeline: (id: number, message: number) => ["conversation", id, "message", message, "timeline"],
  edits: (id: number, message: number) => ["conversation", id, "message", message, "history"],
  notes: (id: number) => ["conversation", id, "notes"],
  activity: (id: number) => ["conversation", id, "activity"],
  conversationMembers: (id: number) => ["conversation", id, "members"],

  /** Contract B's list. */
  sentTexts: ["sent-texts"],
  /** Where the texts to each phone stand. */
  allSentStatuses: ["sent-statuses"],
  sentStatuses: (phone: string) => ["sent-statuses", phone],

  users: ["users"],
  friends: ["friends"],
  friendRequests: ["friend-requests"],
  blocks: ["blocks"],

  /** What a file is, by its address. */
  file: (url: string) => ["file", url],

  labels: ["labels"],
  savedReplies: ["saved-replies"],
  contacts: ["contacts"],
  contactList: (query: QueryOf<"/api/contacts">) => ["contacts", query],
  /** Each single one. */
  everyContact: ["contact"],
  contact: (id: number) => ["contact", id],
  consents: ["consents"],
  consentList: (address: string | undefined) => ["consents", address],

  overview: (minutes: number) => ["overview", minutes],
  providers: ["providers"],
  deadLetters: ["dead-letters"],
  quarantine: ["quarantine"],
  webhookEndpoints: ["webhook-endpoints"],
  deliveries: (id: number) => ["webhook-endpoints", id, "deliveries"],
  apiKeys: ["api-keys"],
  members: ["members"],
  invitations: ["invitations"],
  audit: (filter: Omit<QueryOf<"/api/audit">, "cursor" | "limit">) => ["audit", filter],
  settings: ["settings"],

  handsets: ["handsets"],
  handset: (address: string) => ["handsets", address],
  chaos: ["chaos"],
} as const;
