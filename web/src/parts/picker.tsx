/** A list behind a button, with a search above it: one or several of many, or one that is made by its name. */
import { type ReactElement, type ReactNode, Suspense, useState } from "react";
import { OpenPicker } from "./later";
import { unopened } from "./toasts";
import { Waiting } from "./waiting";

export interface PickerItem {
  value: string;
  label: string;
  /** A line below. */
  hint?: string | undefined;
  icon?: ReactNode;
}

export interface PickerProps {
  /** The button, as an element. */
  trigger: ReactElement;
  /** What is looked for: `Find a person`. */
  label: string;
  items: readonly PickerItem[];
  /** The values that hold. */
  chosen?: readonly string[];
  /** Whether it stays open, and choosing takes away what holds. */
  isMultiple?: boolean;
  side?: "top" | "bottom";
  align?: "start" | "end";
  isLoading?: boolean;
  /** What stands there when nothing is found. */
  empty: ReactNode;
  /** The search is somebody else's: the items are what it found. */
  onSearch?: (text: string) => void;
  /** Offers to make what is looked for and not there. */
  onCreate?: ((label: string) => void) | undefined;
  onChoose: (value: string) => void;
  onOpen?: () => void;
  /** Below the list. It is told how to close it. */
  footer?: (close: () => void) => ReactNode;
}

export function Picker(props: PickerProps) {
  const [wasOpen, setWasOpen] = useState(false);
  const open = () => {
    setWasOpen(true);
    props.onOpen?.();
  };
  if (!wasOpen) return <Waiting trigger={props.trigger} onPoint={OpenPicker.prefetch} onPress={open} />;
  return (
    <Suspense fallback={props.trigger}>
      <OpenPicker {...props} onFailure={unopened(() => setWasOpen(false))} />
    </Suspense>
  );
}
