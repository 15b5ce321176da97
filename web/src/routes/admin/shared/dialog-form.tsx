/** A form in a dialog: its fields, why it was refused where that was no field's fault, and its button. */
import type { ReactNode } from "react";
import { Problem } from "../../../api/problem";
import { Button } from "../../../parts/button";
import { FormError } from "../../../parts/states";

export interface DialogFormProps {
  /** What the button does, as a verb. */
  action: string;
  error: unknown;
  isBusy: boolean;
  isDisabled?: boolean;
  onSubmit: () => void;
  children: ReactNode;
}

export function DialogForm({ action, error, isBusy, isDisabled = false, onSubmit, children }: DialogFormProps) {
  const isNamed = error instanceof Problem && error.errors.length > 0;
  return (
    <form
      noValidate
      className="flex flex-col gap-4 pb-4"
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit();
      }}
    >
      {children}
      {!isNamed && <FormError error={error} />}
      <div className="flex justify-end">
        <Button type="submit" tone="accent" isBusy={isBusy} disabled={isDisabled}>
          {action}
        </Button>
      </div>
    </form>
  );
}
