/** How the people of the workspace stand to the reader. */
import type { Friend, FriendRequest, Person } from "./queries";

/** `asks`: they ask the reader; `asked`: the reader asked them. */
export type Relation = "none" | "friend" | "asks" | "asked" | "blocked";

export interface Known {
  userName: string;
  /** First and last name; may be empty. */
  name: string;
  relation: Relation;
}

export interface Circle {
  friends: readonly Friend[];
  requests: readonly FriendRequest[];
  blocks: readonly Friend[];
}

export function relationsOf({ friends, requests, blocks }: Circle): ReadonlyMap<string, Relation> {
  const relations = new Map<string, Relation>();
  for (const { user_name } of friends) relations.set(user_name, "friend");
  for (const { user_name, direction } of requests) relations.set(user_name, direction === "in" ? "asks" : "asked");
  // A block ends what was before.
  for (const { user_name } of blocks) relations.set(user_name, "blocked");
  return relations;
}

export function fullName({ first_name, last_name }: Pick<Person, "first_name" | "last_name">): string {
  return `${first_name} ${last_name}`.trim();
}

/** Everybody but the reader, by name. */
export function everybodyElse(people: readonly Person[], relations: ReadonlyMap<string, Relation>, me: string): Known[] {
  return people
    .filter(({ user_name }) => user_name !== me)
    .map((person) => ({ userName: person.user_name, name: fullName(person), relation: relations.get(person.user_name) ?? "none" }))
    .toSorted(byName);
}

function byName(one: Known, other: Known): number {
  return (one.name || one.userName).localeCompare(other.name || other.userName);
}

/** Whether each word of what is searched for begins a word of a name, or occurs in the username. */
export function matches({ userName, name }: Pick<Known, "userName" | "name">, search: string): boolean {
  const words = wordsOf(search.replace(/^@/, ""));
  const names = wordsOf(name);
  return words.every((word) => userName.toLocaleLowerCase().includes(word) || names.some((name) => name.startsWith(word)));
}

function wordsOf(text: string): string[] {
  return text.toLocaleLowerCase().split(/\s+/).filter(Boolean);
}
