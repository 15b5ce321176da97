/** Puts what the server says of a form beside the fields that it means. */
import type { FieldValues, Path, UseFormSetError } from "react-hook-form";
import { explain, Problem } from "../../api/problem";

/** The server's word on a field as a sentence: `must be ..` becomes `The mobile must be ..`. */
export function fieldSentence(label: string, message: string): string {
  const isAboutIt = /^(must|is|has|may|cannot|can|does)\b/.test(message);
  const text = isAboutIt ? `The ${label} ${message}` : message.charAt(0).toUpperCase() + message.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** Shows each error at its field, the first of them focused, and what is about none of them as the form's own. */
export function showProblem<T extends FieldValues>(error: unknown, labels: Partial<Record<Path<T>, string>>, setError: UseFormSetError<T>): void {
  const whole: string[] = [];
  let isFirst = true;
  for (const { field, message } of error instanceof Problem ? error.errors : []) {
    const path = fieldOf(field, labels);
    if (path === undefined) {
      whole.push(fieldSentence(field.replaceAll("_", " "), message));
      continue;
    }
    setError(path, { type: "server", message: fieldSentence(labels[path] ?? path, message) }, { shouldFocus: isFirst });
    isFirst = false;
  }
  if (isFirst && whole.length === 0) whole.push(explain(error));
  if (whole.length > 0) setError("root", { type: "server", message: whole.join(" ") });
}

function fieldOf<T extends FieldValues>(field: string, labels: Partial<Record<Path<T>, string>>): Path<T> | undefined {
  const known = (name: string): name is Path<T> => Object.hasOwn(labels, name);
  const plain = field.replace(/^(desired|new)_/, "");
  if (known(field)) return field;
  return known(plain) ? plain : undefined;
}
