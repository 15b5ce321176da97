/** What else than a text proves that it is you. */
import type { Schemas } from "../../../api/client";
import { Section } from "../../../parts/page";
import { Authenticator } from "./authenticator";
import { useFreshCode } from "./fresh-code";
import { RecoveryCodes } from "./recovery-codes";

export function SecondFactor({ user }: { user: Schemas["AccountUser"] }) {
  const { withFreshCode, dialog } = useFreshCode("change_profile", "Changes of your account want a code, which goes to your mobile now.");
  return (
    <Section title="Codes" description="Each sign-in wants a code beside your password: by text, unless you say otherwise.">
      <div className="flex flex-col divide-y">
        <Authenticator isOn={user.totp} withFreshCode={withFreshCode} />
        <RecoveryCodes username={user.username} withFreshCode={withFreshCode} />
      </div>
      {dialog}
    </Section>
  );
}
