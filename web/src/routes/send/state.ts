/** The state of contract B's page: its form, and its list. */
import { InfiniteQueryObserver } from "@tanstack/react-query";
import { atom, type Getter, type Setter } from "jotai";
import { api, body, newIdempotencyKey } from "../../api/client";
import { keys } from "../../api/keys";
import { Problem } from "../../api/problem";
import { isKeyStale } from "../../state/outgoing";
import { queryClientAtom } from "../../state/query-client";
import { storedAtom } from "../../state/stored";
import { checkPhone, refusePhone } from "./phone";
import { addSentText, type SentText, sentTextsQuery } from "./texts";

interface Typed {
  phone: string;
  message: string;
}

/** What was tried and not answered for certain: the same again is the same message, by its key. */
interface Attempt extends Typed {
  key: string;
  /** When the key was made, in milliseconds. */
  at: number;
}

interface SendForm extends Typed {
  attempt?: Attempt;
}

const STALE = "This was tried a day ago or longer, and may have been sent then. Look before you send it again.";

const EMPTY: SendForm = { phone: "", message: "" };

function readForm(kept: unknown): SendForm {
  const typed = readTyped(kept);
  if (!typed) return EMPTY;
  const attempt = typeof kept === "object" && kept !== null && "attempt" in kept ? kept.attempt : undefined;
  const tried = readTyped(attempt);
  const hasKey = typeof attempt === "object" && attempt !== null && "key" in attempt && typeof attempt.key === "string";
  if (!tried || !hasKey) return typed;
  // One of no known age may be of any.
  const at = "at" in attempt && typeof attempt.at === "number" ? attempt.at : 0;
  return { ...typed, attempt: { ...tried, key: String(attempt.key), at } };
}

function readTyped(kept: unknown): Typed | undefined {
  if (typeof kept !== "object" || kept === null || !("phone" in kept) || !("message" in kept)) return undefined;
  const { phone, message } = kept;
  return typeof phone === "string" && typeof message === "string" ? { phone, message } : undefined;
}

/** What was typed; this browser keeps it until it is sent. */
const formAtom = storedAtom<SendForm>("draft-send", readForm);

export const phoneAtom = atom(
  (get) => get(formAtom).phone,
  (get, set, phone: string) => {
    set(formAtom, { ...get(formAtom), phone });
    forgive(get, set, "phone");
  },
);

export const messageAtom = atom(
  (get) => get(formAtom).message,
  (get, set, message: string) => {
    set(formAtom, { ...get(formAtom), message });
    forgive(get, set, "message");
  },
);

const checkedAtom = atom(false);
const failureAtom = atom<unknown>(undefined);
/** The fields that changed since the server named them. */
const forgivenAtom = atom<readonly (keyof Typed)[]>([]);

export const isSendingAtom = atom(false);

/** The text that was taken last, to be announced. */
export const takenAtom = atom<SentText | undefined>(undefined);

function forgive(get: Getter, set: Setter, field: keyof Typed): void {
  if (!get(failureAtom)) return;
  set(forgivenAtom, [...get(forgivenAtom), field]);
}

const NAMES = { phone: ["recipient_phone", "phoneNumber"], message: ["message_body", "message"] } as const;

function named(failure: unknown, field: keyof Typed): string | undefined {
  if (!(failure instanceof Problem)) return undefined;
  const found = NAMES[field].map((name) => failure.field(name)).find((message) => message !== undefined);
  return found && found.charAt(0).toUpperCase() + found.slice(1);
}

/** What is wrong with each field: at once where more typing cannot help, the rest when it is to be sent. */
export const problemsAtom = atom((get): Partial<Record<keyof Typed, string>> => {
  const { phone, message } = get(formAtom);
  const isChecked = get(checkedAtom);
  const forgiven = get(forgivenAtom);
  const failure = get(failureAtom);
  const told = (field: keyof Typed) => (forgiven.includes(field) ? undefined : named(failure, field));
  return {
    phone: (isChecked ? refusePhone(phone) : checkPhone(phone).problem) ?? told("phone"),
    message: (isChecked && message.trim() === "" ? "Write a message." : undefined) ?? told("message"),
  };
});

/** Why the last try failed, where it was no field's fault. */
export const refusalAtom = atom((get) => {
  const failure = get(failureAtom);
  return named(failure, "phone") ?? named(failure, "message") ? undefined : failure;
});

/** Checks what was typed and sends it; tells whether the server took it. */
export const sendAtom = atom(null, async (get, set): Promise<"taken" | "failed" | keyof Typed> => {
  if (get(isSendingAtom)) return "failed";
  set(checkedAtom, true);
  set(failureAtom, undefined);
  set(forgivenAtom, []);
  const { phone, message, attempt } = get(formAtom);
  if (refusePhone(phone)) return "phone";
  if (message.trim() === "") return "message";
  const isAgain = attempt?.phone === phone && attempt.message === message;
  if (isAgain && isKeyStale(attempt.at)) {
    set(formAtom, { phone, message });
    set(failureAtom, new Problem({ status: 409, code: "stale_attempt", detail: STALE }));
    return "failed";
  }
  const { key, at } = isAgain ? attempt : { key: newIdempotencyKey(), at: Date.now() };
  set(formAtom, { phone, message, attempt: { key, at, phone, message } });
  set(isSendingAtom, true);
  try {
    const text = await body(
      api.POST("/send-message", {
        params: { header: { "Idempotency-Key": key } },
        body: { recipient_phone: phone, message_body: message },
      }),
    );
    const now = get(formAtom);
    const isUnchanged = now.phone === phone && now.message === message;
    set(formAtom, isUnchanged ? EMPTY : { phone: now.phone, message: now.message });
    set(checkedAtom, false);
    set(takenAtom, text);
    const client = get(queryClientAtom);
    addSentText(client, text);
    void client.invalidateQueries({ queryKey: keys.sentTexts });
    void client.invalidateQueries({ queryKey: keys.allSentStatuses });
    return "taken";
  } catch (error) {
    set(failureAtom, error);
    if (named(error, "phone")) return "phone";
    return named(error, "message") ? "message" : "failed";
  } finally {
    set(isSendingAtom, false);
  }
});

const observerAtom = atom((get) => {
  const observer = new InfiniteQueryObserver(get(queryClientAtom), sentTextsQuery);
  const result = atom(observer.getCurrentResult());
  result.onMount = (set) => observer.subscribe(set);
  return result;
});

/** The list as the server last told it, with its loading and its failure. */
export const sentTextsAtom = atom((get) => get(get(observerAtom)));

/** Its rows, the oldest first. */
export const sentRowsAtom = atom((get): readonly SentText[] => {
  const { data } = get(sentTextsAtom);
  return data ? data.pages.flatMap((page) => page.data).toReversed() : [];
});
