/** Entering a one-time code: the field, the time left, another code, and what to do when none comes. */
import { useMutation } from "@tanstack/react-query";
import { ChevronDown, MessageSquareText, RotateCw, Smartphone } from "lucide-react";
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { explain, Problem } from "../../api/problem";
import { Button } from "../../parts/button";
import { TextField } from "../../parts/field";
import { CODE_LENGTH, CodeField } from "./code-field";
import { formatLeft, useSecondsUntil } from "./countdown";
import type { PendingCode } from "./held";

/** The server sends no other code sooner. */
export const COOL_DOWN_MS = 30_000;
/** Letters and digits of a recovery code, however they are grouped. */
const RECOVERY_LENGTH = 16;

export interface CodeStepProps {
  /** Absent where a code was on its way already, and nothing more is known of it. */
  verification: PendingCode | undefined;
  /** When the code went out, in milliseconds. */
  sentAt: number;
  /** Whether an authenticator app or a recovery code may stand in. */
  mayStandIn?: boolean;
  action: string;
  onCode: (code: string) => Promise<void>;
  onResend: () => Promise<void>;
  /** More that can be done when no code comes. */
  help?: ReactNode;
  /** Shown between the field and the help. */
  children?: (enter: (code: string) => void) => ReactNode;
}

export function CodeStep({ verification, sentAt, mayStandIn = false, action, onCode, onResend, help, children }: CodeStepProps) {
  const [code, setCode] = useState("");
  const [recovery, setRecovery] = useState<string>();
  const [retryAt, setRetryAt] = useState(0);
  const field = useRef<HTMLInputElement>(null);
  const check = useMutation({ mutationFn: onCode, onError: () => setCode("") });
  const resend = useMutation({
    mutationFn: onResend,
    onSuccess: () => {
      check.reset();
      setCode("");
      setRecovery(undefined);
      setRetryAt(0);
      field.current?.focus();
    },
    onError: (error) => {
      if (error instanceof Problem && error.retryAfter !== undefined) setRetryAt(Date.now() + error.retryAfter * 1000);
    },
  });
  const wait = useSecondsUntil(Math.max(retryAt, sentAt + COOL_DOWN_MS));
  const left = useSecondsUntil(verification ? Date.parse(verification.expires_at) : 0);
  const isByText = verification?.channel !== "totp";
  const isSpent = check.error instanceof Problem && check.error.code === "too_many_attempts";
  const isBusy = check.isPending || check.isSuccess;

  useEffect(() => {
    field.current?.focus();
  }, []);

  function enter(code: string): void {
    if (isBusy) return;
    setCode(code);
    if (check.isError) check.reset();
    if (code.length === CODE_LENGTH) check.mutate(code);
  }

  function submit(event: FormEvent): void {
    event.preventDefault();
    if (isBusy) return;
    if (recovery !== undefined) check.mutate(recovery.trim());
    else if (code.length === CODE_LENGTH) check.mutate(code);
    else field.current?.focus();
  }

  const isReady = recovery === undefined ? code.length === CODE_LENGTH : recovery.replace(/[\s-]/g, "").length === RECOVERY_LENGTH;
  const problem = check.error ? explain(check.error) : undefined;
  return (
    <form onSubmit={submit} className="flex flex-col gap-4" noValidate>
      {recovery === undefined && (
        <p className="flex items-start gap-2.5 text-ink-muted">
          {isByText ? <MessageSquareText aria-hidden="true" className="mt-0.5 size-4 shrink-0" /> : <Smartphone aria-hidden="true" className="mt-0.5 size-4 shrink-0" />}
          <span>
            {isByText ? (
              <>
                A code went by text to your mobile
                {verification?.to !== undefined && (
                  <>
                    {" that ends in "}
                    <strong className="font-semibold text-ink">{verification.to.replace(/^\.+/, "")}</strong>
                  </>
                )}
                .
              </>
            ) : (
              "Open your authenticator app and enter the code that it shows for Switchboard."
            )}
          </span>
        </p>
      )}
      {recovery === undefined ? (
        <CodeField ref={field} label="Code" value={code} error={problem} isDisabled={isBusy} onChange={enter} />
      ) : (
        <TextField
          label="Recovery code"
          hint="16 letters and digits, with or without dashes. Each code works once."
          error={problem}
          value={recovery}
          onChange={(event) => {
            setRecovery(event.target.value);
            if (check.isError) check.reset();
          }}
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          // The person has just asked for this field.
          // oxlint-disable-next-line jsx-a11y/no-autofocus
          autoFocus
          dir="ltr"
          className="font-mono"
        />
      )}
      <Button type="submit" tone="accent" isBusy={isBusy} disabled={!isReady}>
        {action}
      </Button>
      {children?.(enter)}
      {recovery === undefined && (
        <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1">
          <p className="text-[0.8125rem] text-ink-muted tabular-nums">
            {verification && (left > 0 ? `Good for ${formatLeft(left)}` : "The time of this code is over: ask for another one.")}
          </p>
          {(isByText || isSpent || left === 0) && (
            <Button tone="quiet" size="small" icon={RotateCw} isBusy={resend.isPending} disabled={wait > 0} onClick={() => resend.mutate()}>
              {wait > 0 ? <span className="tabular-nums">New code in {wait} s</span> : "Send a new code"}
            </Button>
          )}
        </div>
      )}
      <div role="status" className={resend.error || resend.isSuccess ? "text-[0.8125rem] text-ink-muted" : "hidden"}>
        {resend.error ? explain(resend.error) : resend.isSuccess ? "Another code is on its way. Those before it count no more." : null}
      </div>
      <details className="group rounded-lg border px-3 py-1 open:pb-3">
        <summary className="flex min-h-10 items-center justify-between rounded-sm font-medium sm:min-h-9">
          No code?
          <ChevronDown aria-hidden="true" className="size-4 text-ink-muted transition-transform group-open:rotate-180" />
        </summary>
        <div className="flex flex-col gap-2 pt-1 text-ink-muted">
          {isByText && <p>A text can take a minute. If none comes, check that the phone is on and has a signal, then ask for another code.</p>}
          {mayStandIn && isByText && <p>If you have set an authenticator app, its code is as good: enter it above.</p>}
          {mayStandIn && !isByText && (
            <Button size="small" className="self-start" isBusy={resend.isPending} disabled={wait > 0 && retryAt > 0} onClick={() => resend.mutate()}>
              Send a code by text instead
            </Button>
          )}
          {mayStandIn && (
            <Button
              size="small"
              className="self-start"
              onClick={() => {
                check.reset();
                setCode("");
                setRecovery((before) => (before === undefined ? "" : undefined));
              }}
            >
              {recovery === undefined ? "Use a recovery code" : "Enter a code of six digits"}
            </Button>
          )}
          {help}
        </div>
      </details>
    </form>
  );
}
