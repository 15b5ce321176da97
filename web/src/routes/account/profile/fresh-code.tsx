/** What is dangerous wants a code that was right a short while ago: this asks for one when the server does, and goes on. */
import { type ReactNode, useCallback, useRef, useState } from "react";
import { api, body, type Schemas } from "../../../api/client";
import { Problem } from "../../../api/problem";
import { Dialog } from "../../../parts/dialog";
import { COOL_DOWN_MS, CodeStep } from "../code-step";
import type { PendingCode } from "../held";

type Purpose = Extract<Schemas["CodeRequest"]["purpose"], "change_profile" | "change_password">;

/** The person closed the dialog: nothing was done, and nothing went wrong. */
export class Cancelled extends Error {
  override readonly name = "Cancelled";
}

/** What went wrong, if anything did. */
export function failureOf(error: unknown): unknown {
  return error instanceof Cancelled ? null : error;
}

interface Asked {
  verification: PendingCode | undefined;
  sentAt: number;
  go: () => void;
  stop: (why: unknown) => void;
}

function isWanted(error: unknown): boolean {
  return error instanceof Problem && error.status === 403 && error.code === "verification_required";
}

export interface FreshCode {
  /** Does it, and where a code is wanted first, asks for it and does it then. Throws `Cancelled` if there is none. */
  withFreshCode: <T>(act: () => Promise<T>) => Promise<T>;
  /** To be placed on the page. */
  dialog: ReactNode;
}

export function useFreshCode(purpose: Purpose, why: string): FreshCode {
  const [asked, setAsked] = useState<Asked>();
  const open = useRef<Asked>(undefined);

  const ask = useCallback(async (): Promise<void> => {
    const sent = await sendCode(purpose);
    await new Promise<void>((go, stop) => {
      const asked = { ...sent, go, stop };
      open.current = asked;
      setAsked(asked);
    });
  }, [purpose]);

  const withFreshCode = useCallback(
    async <T,>(act: () => Promise<T>): Promise<T> => {
      try {
        return await act();
      } catch (error) {
        if (!isWanted(error)) throw error;
      }
      await ask();
      return act();
    },
    [ask],
  );

  function close(settle: (asked: Asked) => void): void {
    const last = open.current;
    open.current = undefined;
    setAsked(undefined);
    if (last) settle(last);
  }

  /** The session may end meanwhile; what was to be done fails by that then. */
  async function verify(code: string): Promise<void> {
    await body(api.POST("/api/auth/verify-code", { body: { code, purpose } }));
    close((asked) => asked.go());
  }

  async function resend(): Promise<void> {
    const { verification } = await body(api.POST("/api/auth/send-code", { body: { purpose } }));
    setAsked((before) => before && { ...before, verification, sentAt: Date.now() });
  }

  const dialog = (
    <Dialog
      title="Confirm that it is you"
      description={why}
      isOpen={asked !== undefined}
      onClose={() => close((asked) => asked.stop(new Cancelled()))}
      size="small"
    >
      {asked && (
        <div className="pb-4">
          <CodeStep verification={asked.verification} sentAt={asked.sentAt} action="Confirm" onCode={verify} onResend={resend} />
        </div>
      )}
    </Dialog>
  );
  return { withFreshCode, dialog };
}

/** A code may be on its way already: then that one is waited for. */
async function sendCode(purpose: Purpose): Promise<{ verification: PendingCode | undefined; sentAt: number }> {
  try {
    const { verification } = await body(api.POST("/api/auth/send-code", { body: { purpose } }));
    return { verification, sentAt: Date.now() };
  } catch (error) {
    const isOnItsWay = error instanceof Problem && error.code === "too_many_codes";
    if (!isOnItsWay) throw error;
    return { verification: undefined, sentAt: Date.now() + (error.retryAfter ?? 0) * 1000 - COOL_DOWN_MS };
  }
}
