/** From which of the workspace's addresses the phones' page sends, and whom handsets answer before anybody wrote to them. */
import type { AppFacts } from "../../api/app";

/** What `dev` sends texts from, where the configuration says nothing else. */
const NUMBER = "+12015550100";
/** The simulated carrier takes mails from any mailbox. */
const MAILBOX = "support@example.com";

export function senderFor(address: string, { defaultSender }: Pick<AppFacts, "defaultSender">): string {
  return address.includes("@") ? MAILBOX : (defaultSender ?? NUMBER);
}
