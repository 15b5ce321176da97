/** The emoji and their names, from a file of ours that is fetched when they are first looked at. */
import dataUrl from "emojibase-data/en/data.json?url";
import messages from "emojibase-data/en/messages.json";
import type { EmojiData, SkinTone } from "frimousse";
import { Problem } from "../api/problem";

/** What every system that the app runs on can show. */
const NEWEST = 15;
/** Parts of others: skin tones and the like. */
const COMPONENTS = 2;

type Tone = Exclude<SkinTone, "none">;

/** In the order in which the data numbers them. */
const TONES: readonly Tone[] = ["light", "medium-light", "medium", "medium-dark", "dark"];

interface Entry {
  emoji: string;
  label: string;
  group?: number;
  order?: number;
  version: number;
  tags?: string[];
  skins?: { emoji: string; tone: number | number[] }[];
}

export async function loadEmoji(): Promise<EmojiData> {
  const response = await fetch(dataUrl);
  if (!response.ok) throw await Problem.of(response);
  const entries: Entry[] = await response.json();
  return asData(entries);
}

function asData(entries: readonly Entry[]): EmojiData {
  return {
    locale: "en",
    categories: messages.groups.filter(({ order }) => order !== COMPONENTS).map(({ order, message }) => ({ index: order, label: message })),
    emojis: entries
      .filter(({ group, version }) => group !== undefined && group !== COMPONENTS && version <= NEWEST)
      .toSorted((one, other) => (one.order ?? 0) - (other.order ?? 0))
      .map(({ emoji, label, group = 0, version, tags = [], skins }) => {
        const toned = skins && skinsOf(skins);
        return { emoji, label, category: group, version, tags, ...(toned && { skins: toned }) };
      }),
    skinTones: { light: "light", "medium-light": "medium-light", medium: "medium", "medium-dark": "medium-dark", dark: "dark" },
  };
}

function skinsOf(skins: NonNullable<Entry["skins"]>): Record<Tone, string> | undefined {
  const of = (tone: number) => skins.find((skin) => skin.tone === tone)?.emoji;
  const [light, mediumLight, medium, mediumDark, dark] = TONES.map((_, index) => of(index + 1));
  if (!light || !mediumLight || !medium || !mediumDark || !dark) return undefined;
  return { light, "medium-light": mediumLight, medium, "medium-dark": mediumDark, dark };
}
