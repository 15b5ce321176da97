/** A workspace in which every page has something to show. */
import type { Server } from "./server";

const OURS = "+12015550100";
const ADA = "+12015550123";

export interface Scene {
  /** Conversations by what they show. */
  text: number;
  mail: number;
  scheduled: number;
}

interface Sent {
  id: number;
  conversation_id: number;
}

export async function setScene(server: Server): Promise<Scene> {
  const { ask } = server;
  await server.seed();
  const first = await ask<Sent>("POST", "/api/messages/sms", { from: OURS, to: ADA, type: "sms", body: "Hello Ada, your table for four is kept for tonight, 19:30. Reply YES to confirm." });
  await told(server, ADA, "ada-1", "Yes! Could we sit by the window?");
  await ask("POST", "/api/messages/sms", { from: OURS, to: ADA, type: "sms", body: "Of course. The corner one is yours 🌿" });
  await told(server, ADA, "ada-2", "Wonderful, thank you. See you tonight!");
  await ask("POST", `/api/conversations/${first.conversation_id}/notes`, { body: "A regular: likes the corner table. Birthday in May." });

  const mail = await ask<Sent>("POST", "/api/webhooks/email", {
    from: "grace@example.com",
    to: "support@example.com",
    xillio_id: "grace-1",
    subject: "Invoice for October",
    body: "<h2>Hello</h2><p>Could you send me the <b>invoice for October</b> once more? The one I have ends at page two.</p><ul><li>Order 1042</li><li>Customer 77</li></ul><p>Kind regards,<br>Grace</p>",
    attachments: [],
  });
  const label = await ask<{ id: number }>("POST", "/api/labels", { name: "Billing" });
  await ask("PUT", `/api/conversations/${mail.conversation_id}/labels/${label.id}`);
  await ask("POST", "/api/saved-replies", { name: "Thanks", body: "Thank you for writing. We will look into it today." });

  const tomorrow = new Date(Date.now() + 24 * 3_600_000).toISOString();
  const later = await ask<Sent>("POST", "/api/messages/sms", { from: OURS, to: "+12015550199", type: "sms", body: "Your parcel waits at the front desk.", scheduled_at: tomorrow });

  await ask("POST", "/api/webhooks/sms", { from: ADA, type: "sms", body: "whom is this for?" });
  await ask("POST", "/api/webhook-endpoints", { url: "https://example.com/hooks/switchboard", events: ["message.received", "message.delivered"], enabled: false });
  await ask("POST", "/api/keys", { name: "Shop", scopes: ["messages:send"] });
  await ask("POST", "/api/invitations", { role: "agent", email: "lin@example.com" });
  return { text: first.conversation_id, mail: mail.conversation_id, scheduled: later.conversation_id };
}

async function told(server: Server, from: string, id: string, body: string): Promise<void> {
  await server.ask("POST", "/api/webhooks/sms", { from, to: OURS, type: "sms", messaging_provider_id: id, body, timestamp: new Date().toISOString() });
}
