/** What can go wrong with a request: the server refused it, or was not reached. */
import type { components } from "./schema";

export type FieldError = components["schemas"]["FieldError"];

/** A refusal by the server (RFC 9457). `message` is its detail, a sentence for people. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly errors: readonly FieldError[];
  readonly requestId: string | undefined;
  /** How long to wait before another try, in seconds. */
  readonly retryAfter: number | undefined;

  constructor(facts: Pick<Problem, "status" | "code" | "detail"> & Partial<Pick<Problem, "errors" | "requestId" | "retryAfter">>) {
    super(facts.detail);
    this.status = facts.status;
    this.code = facts.code;
    this.detail = facts.detail;
    this.errors = facts.errors ?? [];
    this.requestId = facts.requestId;
    this.retryAfter = facts.retryAfter;
  }

  /** What is wrong with a field, if the server named it. */
  field(name: string): string | undefined {
    return this.errors.find((error) => error.field === name)?.message;
  }

  static async of(response: Response): Promise<Problem> {
    const told = await response
      .clone()
      .json()
      .catch(() => undefined);
    const body = isRecord(told) ? told : {};
    return new Problem({
      status: response.status,
      code: text(body.code) ?? `http_${response.status}`,
      detail: text(body.detail) ?? text(body.message) ?? fallback(response),
      errors: Array.isArray(body.errors) ? body.errors.filter(isFieldError) : [],
      requestId: text(body.request_id) ?? response.headers.get("x-request-id") ?? undefined,
      retryAfter: seconds(response.headers.get("retry-after")),
    });
  }
}

/** The server was not reached, or its answer was lost on the way. */
export class Offline extends Error {
  override readonly name = "Offline";

  constructor(cause?: unknown) {
    super("The server cannot be reached. What you typed is kept.", { cause });
  }
}

/** A sentence for people about anything that was thrown. */
export function explain(error: unknown): string {
  if (error instanceof Problem || error instanceof Offline) return sentence(error.message);
  return "Something went wrong here. Try again, or load the page anew.";
}

function sentence(detail: string): string {
  const text = detail.charAt(0).toUpperCase() + detail.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function fallback(response: Response): string {
  return response.status >= 500
    ? `The server could not do that (${response.status})`
    : `The server refused that (${response.status})`;
}

function seconds(header: string | null): number | undefined {
  const value = header === null ? Number.NaN : Number.parseInt(header, 10);
  return Number.isNaN(value) ? undefined : value;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isFieldError(value: unknown): value is FieldError {
  return isRecord(value) && typeof value.field === "string" && typeof value.message === "string";
}
