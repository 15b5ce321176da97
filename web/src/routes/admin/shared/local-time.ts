/** Times in fields, which speak of the reader's own zone, and times of the API, which name theirs. */

/** What `<input type="datetime-local">` holds for a time. */
export function toLocalField(time: Date): string {
  const local = new Date(time.getTime() - time.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}

/** The time that such a field names, or nothing where it names none. */
export function fromLocalField(value: string): string | undefined {
  const time = new Date(value);
  return value === "" || Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}
