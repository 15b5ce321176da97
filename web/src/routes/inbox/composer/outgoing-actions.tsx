/** What can be done with a message that the server refused: send it again, take it back into the composer, or drop it. */
import { useSetAtom, useStore } from "jotai";
import { Pencil, RotateCw, Trash2 } from "lucide-react";
import { Button } from "../../../parts/button";
import { restoreFilesAtom } from "../../../state/composing";
import { draftAtom } from "../../../state/drafts";
import { dropOutgoingAtom, type Outgoing, retryOutgoingAtom } from "../../../state/outgoing";
import { focusComposer } from "./focus";

export function OutgoingActions({ outgoing }: { outgoing: Outgoing }) {
  const store = useStore();
  const retry = useSetAtom(retryOutgoingAtom);
  const drop = useSetAtom(dropOutgoingAtom);
  const restore = useSetAtom(restoreFilesAtom);
  if (outgoing.state !== "failed") return null;

  function takeBack() {
    const draft = draftAtom(outgoing.conversationId);
    const before = store.get(draft);
    store.set(draft, before === "" ? outgoing.body : `${outgoing.body}\n${before}`);
    restore(outgoing.conversationId, outgoing.attachments);
    drop(outgoing.key);
    requestAnimationFrame(focusComposer);
  }

  return (
    <div className="flex flex-wrap gap-1">
      <Button size="small" icon={RotateCw} onClick={() => retry(outgoing.key)}>
        Try again
      </Button>
      <Button size="small" icon={Pencil} onClick={takeBack}>
        Edit
      </Button>
      <Button size="small" tone="quiet" icon={Trash2} onClick={() => drop(outgoing.key)}>
        Discard
      </Button>
    </div>
  );
}
