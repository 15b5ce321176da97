/** Why a form as a whole was refused, in words. */
import { TriangleAlert } from "lucide-react";

export function FormAlert({ message }: { message: string | undefined }) {
  return (
    <div role="alert" className={message === undefined ? "hidden" : "flex items-start gap-2 rounded-md bg-danger-soft px-3 py-2 text-danger"}>
      {message !== undefined && (
        <>
          <TriangleAlert aria-hidden="true" className="mt-0.5 size-4 shrink-0" />
          <span className="min-w-0 break-words">{message}</span>
        </>
      )}
    </div>
  );
}
