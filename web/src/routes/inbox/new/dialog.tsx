/** The form behind "New conversation". */
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { appQuery } from "../../../api/app";
import { Dialog } from "../../../parts/dialog";
import { SkeletonRows } from "../../../parts/skeleton";
import { isAgent, useSession } from "../../../state/session";
import { GroupForm } from "../../people/group-form";
import { focusComposer } from "../composer/focus";
import { usernameOf } from "../names";
import { ChatForm } from "./chat-form";
import { Chooser, type Kind } from "./chooser";
import { MessageForm } from "./message-form";

export function NewConversationDialog({ onClose }: { onClose: () => void }) {
  const session = useSession();
  const me = usernameOf(session);
  const navigate = useNavigate();
  // Whose number a text comes from is part of the form: it waits for that.
  const isTold = !useQuery(appQuery).isPending;
  const kinds: Kind[] = [...(isAgent(session) ? (["text", "email"] as const) : []), ...(session.kind === "user" ? (["chat", "group"] as const) : [])];
  const [kind, setKind] = useState<Kind>(kinds[0] ?? "chat");
  const begun = (conversation: number) => {
    onClose();
    void navigate({ to: "/inbox/$conversationId", params: { conversationId: String(conversation) }, search: (search) => search }).then(() => requestAnimationFrame(focusComposer));
  };
  return (
    <Dialog title="New conversation" isOpen onClose={onClose}>
      <Chooser kinds={kinds} value={kind} onChange={setKind} />
      {me !== undefined && kind === "chat" && <ChatForm me={me} onBegun={begun} />}
      {me !== undefined && kind === "group" && <GroupForm me={me} onBegun={begun} />}
      {(kind === "text" || kind === "email") && (isTold ? <MessageForm key={kind} kind={kind} onBegun={begun} /> : <SkeletonRows count={4} />)}
      {session.kind === "operator" && <p className="pb-4 text-xs text-ink-muted">Chats and groups are begun by people: sign in as one of them.</p>}
    </Dialog>
  );
}
