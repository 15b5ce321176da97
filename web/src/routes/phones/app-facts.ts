/** How the server runs, as far as the phones need it. */

/** What `dev` sends from, and what handsets answer before anybody wrote to them. */
export const DEFAULT_NUMBER = "+12015550100";
export const DEFAULT_MAILBOX = "support@example.com";

export function defaultSenderFor(address: string): string {
  return address.includes("@") ? DEFAULT_MAILBOX : DEFAULT_NUMBER;
}
