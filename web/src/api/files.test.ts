import { expect, it } from "vitest";
import { formatSize, isOwnFile, nameIn } from "./files";

it("reads a file's name, every character of it", () => {
  expect(nameIn("inline; filename=\"a b.png\"; filename*=UTF-8''a%20b%20%E2%9C%93.png")).toBe("a b ✓.png");
  expect(nameIn('attachment; filename="plain.pdf"')).toBe("plain.pdf");
  expect(nameIn("attachment; filename=\"kept.pdf\"; filename*=UTF-8''%E2%9")).toBe("kept.pdf");
  expect(nameIn("inline")).toBeUndefined();
});

it("takes no other address for a file of this server", () => {
  expect(isOwnFile("/api/attachments/7")).toBe(true);
  for (const other of ["/api/attachments/7/token", "/api/attachments/../auth/logout", "https://x.example/api/attachments/7", "/api/attachments/7?x", ""]) {
    expect(isOwnFile(other)).toBe(false);
  }
});

it("says how large a file is", () => {
  expect([850, 12_345, 3_400_000].map(formatSize)).toEqual(["850 B", "12 kB", "3.4 MB"]);
});
