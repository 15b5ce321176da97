/** Which list of people is looked at; it stays while the app is open. */
import { atom } from "jotai";

export type PeopleTab = "friends" | "requests" | "groups" | "everyone" | "blocked";

export const peopleTabAtom = atom<PeopleTab>("friends");
