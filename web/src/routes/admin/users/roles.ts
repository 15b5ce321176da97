/** What people can be in a workspace. */
import type { Schemas } from "../../../api/client";

export const ROLES = [
  { value: "member", label: "Member" },
  { value: "agent", label: "Agent" },
  { value: "admin", label: "Admin" },
] as const satisfies readonly { value: Schemas["Role"]; label: string }[];

export function roleNamed(name: string): Schemas["Role"] | undefined {
  return ROLES.find((role) => role.value === name)?.value;
}
