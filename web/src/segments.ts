/** How many SMS segments a text takes (3GPP TS 23.038, TS 23.040); the server counts the same way. */

export type Encoding = "GSM-7" | "UCS-2";

export interface Segments {
  /** How many; at least one. */
  count: number;
  encoding: Encoding;
  /** Septets or UTF-16 units that the text takes. */
  units: number;
  /** How many more fit before another segment is needed. */
  left: number;
}

const BASIC = new Set(
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà",
);
const EXTENSION = new Set("\u000c^{}\\[~]|€");

const LIMITS = { "GSM-7": { alone: 160, joined: 153 }, "UCS-2": { alone: 70, joined: 67 } } as const;

/** Counts the segments of a text. A character is never split over two. */
export function countSegments(text: string): Segments {
  const characters = Array.from(text);
  const encoding: Encoding = characters.every((character) => septets(character) !== undefined) ? "GSM-7" : "UCS-2";
  const sizes = characters.map((character) => (encoding === "GSM-7" ? (septets(character) ?? 1) : character.length));
  const units = sizes.reduce((sum, size) => sum + size, 0);
  const { alone, joined } = LIMITS[encoding];
  if (units <= alone) return { count: 1, encoding, units, left: alone - units };
  let count = 1;
  let used = 0;
  for (const size of sizes) {
    if (used + size > joined) {
      count += 1;
      used = 0;
    }
    used += size;
  }
  return { count, encoding, units, left: joined - used };
}

/** The characters of a text that make it UCS-2, each once: what to change to halve its price. */
export function beyondGsm(text: string): string[] {
  return [...new Set(Array.from(text))].filter((character) => septets(character) === undefined);
}

function septets(character: string): 1 | 2 | undefined {
  if (BASIC.has(character)) return 1;
  return EXTENSION.has(character) ? 2 : undefined;
}
