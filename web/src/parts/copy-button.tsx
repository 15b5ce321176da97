/** Copies a text, and says that it did. */
import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { Button, IconButton } from "./button";
import { copyText, tellNotCopied } from "./copy-text";

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
    copyText(text).then(() => setCopied(text), tellNotCopied);
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
