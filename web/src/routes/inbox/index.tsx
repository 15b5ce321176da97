/** The inbox: the conversations, and the one that is open. */
import { Outlet } from "@tanstack/react-router";
import { PageBody, PageHeader } from "../../parts/page";

export function InboxPage() {
  return (
    <PageBody>
      <PageHeader title="Inbox" />
      <Outlet />
    </PageBody>
  );
}

export function NothingChosen() {
  return null;
}

export function ConversationPage() {
  return null;
}
