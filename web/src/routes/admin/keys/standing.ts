/** Whether a key opens anything. */
import type { Schemas } from "../../../api/client";

export interface Standing {
  isGood: boolean;
  label: string;
  /** Until when it is good, or since when it is not. */
  at?: string;
}

export function standingOf({ revoked_at, expires_at }: Pick<Schemas["Key"], "revoked_at" | "expires_at">, now: number): Standing {
  if (revoked_at) return { isGood: false, label: "Revoked", at: revoked_at };
  if (!expires_at) return { isGood: true, label: "Good" };
  return Date.parse(expires_at) > now ? { isGood: true, label: "Good", at: expires_at } : { isGood: false, label: "Expired", at: expires_at };
}
