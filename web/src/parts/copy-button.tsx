/** Copies a text, and says that it did. */
import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { Button, IconButton } from "./button";
import { toastFailure } from "./toasts";

const SHOWN_MS = 2_000;

export interface CopyButtonProps {
  text: string;
  /** What is copied, as in `Copy the key`. */
  label: string;
  /** Only the icon; the label is its name. */
  isIconOnly?: boolean;
  size?: "small" | "medium";
  className?: string;
}

export function CopyButton({ text, label, isIconOnly = false, size = "small", className }: CopyButtonProps) {
  const [copied, setCopied] = useState<string>();
  const isCopied = copied === text;
  useEffect(() => {
    if (copied === undefined) return;
    const timer = setTimeout(() => setCopied(undefined), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = () => {
    copyText(text).then(
      () => setCopied(text),
      (error: unknown) => toastFailure("It could not be copied: select it, and copy it yourself", error),
    );
  };
  return (
    <>
      {isIconOnly ? (
        <IconButton icon={isCopied ? Check : Copy} label={label} className={className} onClick={copy} />
      ) : (
        <Button icon={isCopied ? Check : Copy} size={size} className={className} onClick={copy}>
          {isCopied ? "Copied" : label}
        </Button>
      )}
      <span role="status" className="sr-only">
        {isCopied ? "Copied" : ""}
      </span>
    </>
  );
}

/** The clipboard is absent where the page was not loaded safely, such as http:// from another machine: a selection does then. */
export async function copyText(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const box = document.createElement("textarea");
  box.value = text;
  box.className = "fixed opacity-0";
  const focused = document.activeElement;
  document.body.append(box);
  box.select();
  const isDone = document.execCommand("copy");
  box.remove();
  if (focused instanceof HTMLElement) focused.focus();
  if (!isDone) throw new Error("The browser did not copy");
}
