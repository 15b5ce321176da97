/** Codes on paper, for when there is neither a text nor an app: made anew, and shown once. */
import { useMutation } from "@tanstack/react-query";
import { Copy, Download, Printer } from "lucide-react";
import { useState } from "react";
import { api, body } from "../../../api/client";
import { Button } from "../../../parts/button";
import { copyAndTell } from "../../../parts/copy-text";
import { ConfirmDialog, Dialog } from "../../../parts/dialog";
import { saveFile } from "../../../parts/save-file";
import { FormError } from "../../../parts/states";
import { failureOf, type FreshCode } from "./fresh-code";
import { printLines } from "./paper";

const TITLE = "Switchboard recovery codes";

export function RecoveryCodes({ username, withFreshCode }: { username: string } & Pick<FreshCode, "withFreshCode">) {
  const [isAsking, setAsking] = useState(false);
  const make = useMutation({
    mutationFn: () => withFreshCode(() => body(api.POST("/api/auth/recovery-codes"))),
  });
  return (
    <div className="flex flex-col gap-2 py-3">
      <div className="flex flex-wrap items-start justify-between gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1 basis-64">
          <h3 className="font-medium">Recovery codes</h3>
          <p className="mt-0.5 max-w-prose text-[0.8125rem] text-ink-muted">Ten codes to keep on paper, each good for one sign-in when your phone is lost.</p>
        </div>
        <Button isBusy={make.isPending} onClick={() => setAsking(true)}>
          Make new ones
        </Button>
      </div>
      <FormError error={failureOf(make.error)} />
      <ConfirmDialog
        title="Make new recovery codes?"
        description="Those made before, if any, count no more. The new ones are shown once."
        action="Make them"
        tone="accent"
        isOpen={isAsking}
        onConfirm={() => {
          setAsking(false);
          make.mutate();
        }}
        onClose={() => setAsking(false)}
      />
      <Codes codes={make.data?.codes} username={username} onClose={make.reset} />
    </div>
  );
}

function Codes({ codes, username, onClose }: { codes: readonly string[] | undefined; username: string; onClose: () => void }) {
  const lines = [`For ${username}. Each code is good once.`, "", ...(codes ?? [])];
  return (
    <Dialog
      title="Your recovery codes"
      description="They are shown now and never again. Keep them where your phone is not."
      isOpen={codes !== undefined}
      onClose={onClose}
      footer={
        <Button tone="accent" onClick={onClose}>
          I have kept them
        </Button>
      }
    >
      {codes && (
        <div className="flex flex-col gap-3">
          <ol dir="ltr" className="grid grid-cols-1 gap-x-6 gap-y-1.5 rounded-lg bg-sunken px-4 py-3 font-mono sm:grid-cols-2">
            {codes.map((code) => (
              <li key={code}>{code}</li>
            ))}
          </ol>
          <div className="flex flex-wrap gap-2">
            <Button icon={Copy} onClick={() => void copyAndTell(lines.join("\n"), "The codes are copied")}>
              Copy
            </Button>
            <Button icon={Printer} onClick={() => printLines(TITLE, lines)}>
              Print
            </Button>
            <Button icon={Download} onClick={() => saveFile(new Blob([`${TITLE}\n\n${lines.join("\n")}\n`], { type: "text/plain" }), "switchboard-recovery-codes.txt")}>
              Save as a file
            </Button>
          </div>
        </div>
      )}
    </Dialog>
  );
}
