/** A button whose popup was not wanted yet: the popup's code is fetched when it is pointed at, has the focus, or is pressed. */
import { cloneElement, isValidElement, type MouseEvent, type ReactElement } from "react";

interface TriggerProps {
  onClick?: ((event: MouseEvent<HTMLButtonElement>) => void) | undefined;
  onPointerEnter?: (() => void) | undefined;
  onFocus?: (() => void) | undefined;
  "aria-haspopup"?: "dialog";
  "aria-expanded"?: boolean;
}

export function Waiting({ trigger, onPoint, onPress }: { trigger: ReactElement; onPoint: () => Promise<unknown>; onPress: () => void }) {
  if (!isValidElement<TriggerProps>(trigger)) return null;
  const fetch = () => void onPoint();
  return cloneElement(trigger, {
    "aria-haspopup": "dialog",
    "aria-expanded": false,
    onPointerEnter: fetch,
    onFocus: fetch,
    onClick: (event) => {
      trigger.props.onClick?.(event);
      onPress();
    },
  });
}
