/** The keeper of the server's answers, for atoms that show them. */
import { QueryClient } from "@tanstack/react-query";
import { atom } from "jotai";

/** The app sets its own; what stands here first serves atoms that are read alone. */
export const queryClientAtom = atom(new QueryClient());
