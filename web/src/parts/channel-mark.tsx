/** How a message travels: a text, a picture message, a mail or a chat. */
import { Image, type LucideIcon, Mail, MessageSquareText, MessagesSquare } from "lucide-react";
import type { Schemas } from "../api/client";
import { classes } from "./classes";

export type Channel = Schemas["Channel"];

const CHANNELS: Record<Channel, { label: string; icon: LucideIcon }> = {
  sms: { label: "SMS", icon: MessageSquareText },
  mms: { label: "MMS", icon: Image },
  email: { label: "Email", icon: Mail },
  chat: { label: "Chat", icon: MessagesSquare },
};

export function channelName(channel: Channel): string {
  return CHANNELS[channel].label;
}

export function ChannelMark({ channel, hasLabel = false, className }: { channel: Channel; hasLabel?: boolean; className?: string }) {
  const { label, icon: Icon } = CHANNELS[channel];
  return (
    <span title={label} className={classes("inline-flex items-center gap-1 text-xs text-ink-muted", className)}>
      <Icon aria-hidden="true" className="size-3.5 shrink-0" />
      <span className={hasLabel ? undefined : "sr-only"}>{label}</span>
    </span>
  );
}
