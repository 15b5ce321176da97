/** Something behind a button that is more than a list of things to do: it keeps the focus, and closes with Escape. */
import { type ReactElement, type ReactNode, type RefObject, Suspense, useState } from "react";
import { PopoverPopup } from "./later";
import { unopened } from "./toasts";
import { Waiting } from "./waiting";

export interface PopoverProps {
  /** The button, as an element. */
  trigger: ReactElement;
  /** Its name, for those who do not see where it belongs. */
  label: string;
  side?: "top" | "bottom";
  align?: "start" | "end" | "center";
  isOpen: boolean;
  onChange: (isOpen: boolean) => void;
  /** Where the focus goes when it closes; its button unless said. */
  finalFocus?: RefObject<HTMLElement | null>;
  className?: string;
  children: ReactNode;
}

export function Popover(props: PopoverProps) {
  const [wasOpen, setWasOpen] = useState(props.isOpen);
  if (props.isOpen && !wasOpen) setWasOpen(true);
  if (!wasOpen) return <Waiting trigger={props.trigger} onPoint={PopoverPopup.prefetch} onPress={() => props.onChange(true)} />;
  const giveUp = unopened(() => {
    setWasOpen(false);
    props.onChange(false);
  });
  return (
    <Suspense fallback={props.trigger}>
      <PopoverPopup {...props} onFailure={giveUp} />
    </Suspense>
  );
}
