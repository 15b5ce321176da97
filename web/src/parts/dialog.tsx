/** A dialog over the page: keeps the focus in, gives it back, closes with Escape. On phones it rises from the bottom. */
import { type ReactNode, Suspense, useState } from "react";
import { Button, type ButtonTone } from "./button";
import { DialogPopup } from "./later";
import { unopened } from "./toasts";

export interface DialogProps {
  title: string;
  description?: ReactNode;
  isOpen: boolean;
  onClose: () => void;
  size?: "small" | "medium" | "large";
  /** Buttons at the end. */
  footer?: ReactNode;
  children?: ReactNode;
}

/** Nothing of it is there until it was open once. */
export function Dialog(props: DialogProps) {
  const [wasOpen, setWasOpen] = useState(props.isOpen);
  if (props.isOpen && !wasOpen) setWasOpen(true);
  if (!wasOpen) return null;
  const giveUp = unopened(() => {
    setWasOpen(false);
    props.onClose();
  });
  return (
    <Suspense fallback={null}>
      <DialogPopup {...props} onFailure={giveUp} />
    </Suspense>
  );
}

export interface ConfirmDialogProps {
  title: string;
  description: ReactNode;
  /** What the button does, as a verb. */
  action: string;
  tone?: ButtonTone;
  isOpen: boolean;
  isBusy?: boolean;
  /** Why it failed. */
  error?: string | undefined;
  onConfirm: () => void;
  onClose: () => void;
}

/** Asks before something that cannot be taken back. */
export function ConfirmDialog({ title, description, action, tone = "danger", isOpen, isBusy = false, error, onConfirm, onClose }: ConfirmDialogProps) {
  return (
    <Dialog
      title={title}
      description={description}
      isOpen={isOpen}
      onClose={onClose}
      size="small"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button tone={tone} isBusy={isBusy} onClick={onConfirm}>
            {action}
          </Button>
        </>
      }
    >
      {error !== undefined && (
        <p role="alert" className="text-danger">
          {error}
        </p>
      )}
    </Dialog>
  );
}
