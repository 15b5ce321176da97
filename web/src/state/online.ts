/** Whether the server was reached last time. */
import { atom } from "jotai";

/** `live` sets it, and every answer or silence of the API. */
export const isOnlineAtom = atom(true);
