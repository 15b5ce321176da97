/** A new group, from the page of people. */
import { useNavigate } from "@tanstack/react-router";
import { Dialog } from "../../parts/dialog";
import { GroupForm } from "./group-form";

export function NewGroup({ me, isOpen, onClose }: { me: string; isOpen: boolean; onClose: () => void }) {
  const navigate = useNavigate();
  const begun = (conversation: number) => {
    onClose();
    void navigate({ to: "/inbox/$conversationId", params: { conversationId: String(conversation) } });
  };
  return (
    <Dialog title="New group" isOpen={isOpen} onClose={onClose}>
      {isOpen && <GroupForm me={me} onBegun={begun} />}
    </Dialog>
  );
}
