/** An authenticator app in the place of codes by text: set it, or remove it. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Copy } from "lucide-react";
import { useState } from "react";
import { api, body, done, type Schemas } from "../../../api/client";
import { keys } from "../../../api/keys";
import { explain } from "../../../api/problem";
import { Badge } from "../../../parts/badge";
import { Button, IconButton } from "../../../parts/button";
import { copyAndTell } from "../../../parts/copy-text";
import { ConfirmDialog, Dialog } from "../../../parts/dialog";
import { FormError } from "../../../parts/states";
import { toast } from "../../../parts/toasts";
import { CODE_LENGTH, CodeField } from "../code-field";
import { failureOf, type FreshCode } from "./fresh-code";

type TotpSecret = Schemas["TotpSecret"];

export function Authenticator({ isOn, withFreshCode }: { isOn: boolean } & Pick<FreshCode, "withFreshCode">) {
  const client = useQueryClient();
  const [isRemoving, setRemoving] = useState(false);
  const begin = useMutation({ mutationFn: () => withFreshCode(() => body(api.POST("/api/auth/totp"))) });
  const remove = useMutation({
    mutationFn: () => withFreshCode(() => done(api.DELETE("/api/auth/totp"))),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: keys.session });
      toast("The authenticator app is removed");
    },
  });
  return (
    <div className="flex flex-col gap-2 py-3">
      <div className="flex flex-wrap items-start justify-between gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1 basis-64">
          <h3 className="flex items-center gap-2 font-medium">
            Authenticator app {isOn ? <Badge tone="ok">On</Badge> : <Badge>Off</Badge>}
          </h3>
          <p className="mt-0.5 max-w-prose text-[0.8125rem] text-ink-muted">
            {isOn
              ? "An app on a device of yours makes the codes you sign in with. Codes by text still work."
              : "Codes without texts: they also come where your phone has no signal, and nobody can redirect them."}
          </p>
        </div>
        {isOn ? (
          <Button isBusy={remove.isPending} onClick={() => setRemoving(true)}>
            Remove
          </Button>
        ) : (
          <Button isBusy={begin.isPending} onClick={() => begin.mutate()}>
            Set up
          </Button>
        )}
      </div>
      <FormError error={failureOf(begin.error ?? remove.error)} />
      <SetUp
        secret={begin.data}
        onClose={begin.reset}
        onDone={async () => {
          begin.reset();
          await client.invalidateQueries({ queryKey: keys.session });
          toast("Your app makes your codes from now on");
        }}
      />
      <ConfirmDialog
        title="Remove the authenticator app?"
        description="Your codes come by text again."
        action="Remove"
        isOpen={isRemoving}
        onConfirm={() => {
          setRemoving(false);
          remove.mutate();
        }}
        onClose={() => setRemoving(false)}
      />
    </div>
  );
}

function SetUp({ secret, onClose, onDone }: { secret: TotpSecret | undefined; onClose: () => void; onDone: () => Promise<void> }) {
  return (
    <Dialog title="Set up an authenticator app" isOpen={secret !== undefined} onClose={onClose}>
      {secret && <SetUpSteps secret={secret} onDone={onDone} />}
    </Dialog>
  );
}

function SetUpSteps({ secret, onDone }: { secret: TotpSecret; onDone: () => Promise<void> }) {
  const [code, setCode] = useState("");
  const confirm = useMutation({
    mutationFn: (code: string) => done(api.POST("/api/auth/totp/confirm", { body: { code } })),
    onSuccess: onDone,
    onError: () => setCode(""),
  });
  const isBusy = confirm.isPending || confirm.isSuccess;
  function enter(code: string): void {
    if (isBusy) return;
    setCode(code);
    if (confirm.isError) confirm.reset();
    if (code.length === CODE_LENGTH) confirm.mutate(code);
  }
  return (
    <form
      className="flex flex-col gap-4 pb-4"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (code.length === CODE_LENGTH && !isBusy) confirm.mutate(code);
      }}
    >
      <ol className="flex list-decimal flex-col gap-4 ps-5 marker:font-semibold">
        <li>
          <p>Scan this picture with the app, or open it on this device.</p>
          <div className="mt-2 flex flex-wrap items-center gap-4">
            {/* Black on white in both themes: many a camera reads nothing else. */}
            <img
              src={`data:image/svg+xml;charset=utf-8,${encodeURIComponent(secret.qr_svg)}`}
              alt="QR code of the secret; the same as text stands beside it"
              width={176}
              height={176}
              className="size-44 rounded-lg bg-white p-2"
            />
            <div className="min-w-0 flex-1 basis-48">
              <a href={secret.url} className="text-accent underline underline-offset-2">
                Open the app
              </a>
              <p className="mt-2 text-[0.8125rem] text-ink-muted">Or type this into it:</p>
              <div className="flex items-center gap-1">
                <code dir="ltr" className="min-w-0 font-mono text-[0.8125rem] break-words">
                  {inGroups(secret.secret)}
                </code>
                <IconButton icon={Copy} label="Copy the secret" onClick={() => void copyAndTell(secret.secret, "The secret is copied")} />
              </div>
            </div>
          </div>
        </li>
        <li>
          <p className="mb-2">Enter the code that it shows now.</p>
          <CodeField label="Code of the app" value={code} error={confirm.error ? explain(confirm.error) : undefined} isDisabled={isBusy} onChange={enter} />
        </li>
      </ol>
      <Button type="submit" tone="accent" isBusy={isBusy} disabled={code.length < CODE_LENGTH}>
        Confirm
      </Button>
    </form>
  );
}

/** Fours, as people read them aloud. */
function inGroups(secret: string): string {
  return secret.replace(/(.{4})(?=.)/g, "$1 ");
}
