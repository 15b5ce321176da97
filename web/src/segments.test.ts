import { describe, expect, it } from "vitest";
import { beyondGsm, countSegments } from "./segments";

function of(text: string): [number, string, number] {
  const { count, encoding, left } = countSegments(text);
  return [count, encoding, left];
}

describe("countSegments", () => {
  it("has the limits of the standard for the default alphabet", () => {
    expect(of("")).toEqual([1, "GSM-7", 160]);
    expect(of("a".repeat(160))).toEqual([1, "GSM-7", 0]);
    expect(of("a".repeat(161))).toEqual([2, "GSM-7", 145]);
    expect(of("a".repeat(306))).toEqual([2, "GSM-7", 0]);
    expect(of("a".repeat(307))).toEqual([3, "GSM-7", 152]);
  });

  it("counts extension characters twice", () => {
    expect(countSegments("€").units).toBe(2);
    expect(of("€".repeat(80))).toEqual([1, "GSM-7", 0]);
    expect(of("€".repeat(81))).toEqual([2, "GSM-7", 143]);
    for (const character of "\f^{}\\[~]|€") expect(countSegments(character)).toMatchObject({ encoding: "GSM-7", units: 2 });
  });

  it("has the limits of the standard for Unicode", () => {
    expect(of("я".repeat(70))).toEqual([1, "UCS-2", 0]);
    expect(of("я".repeat(71))).toEqual([2, "UCS-2", 63]);
    expect(of("я".repeat(134))).toEqual([2, "UCS-2", 0]);
    expect(of("я".repeat(135))).toEqual([3, "UCS-2", 66]);
  });

  it("counts an emoji as two units", () => {
    expect(of("😀".repeat(35))).toEqual([1, "UCS-2", 0]);
    expect(of("😀".repeat(36))).toEqual([2, "UCS-2", 61]);
  });

  it("splits no character of two units", () => {
    expect(of(`${"a".repeat(152)}€${"a".repeat(152)}`)[0]).toBe(3);
    expect(of(`${"я".repeat(66)}😀${"я".repeat(66)}`)[0]).toBe(3);
  });

  it("one character of another alphabet makes the whole text Unicode", () => {
    expect(of(`${"a".repeat(70)}я`)).toEqual([2, "UCS-2", 63]);
  });

  it("takes the letters of the default alphabet for what they are", () => {
    expect(of("Åß£ñΔ à\r\n")[1]).toBe("GSM-7");
    expect(of("ç")[1]).toBe("UCS-2");
    expect(of("’")[1]).toBe("UCS-2");
    expect(of("\t")[1]).toBe("UCS-2");
  });
});

describe("beyondGsm", () => {
  it("names each offender once", () => {
    expect(beyondGsm("It’s ‘quoted’ 😀😀")).toEqual(["’", "‘", "😀"]);
    expect(beyondGsm("plain [text]")).toEqual([]);
  });
});
