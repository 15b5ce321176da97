import { render, screen } from "@testing-library/react";
import { expect, it } from "vitest";
import { MessageText, piecesOf } from "./message-text";

it("links http(s) addresses, without the punctuation after them", () => {
  expect(piecesOf("See https://a.example/x?y=1, and (http://b.example).").filter((piece) => piece.isUrl).map((piece) => piece.text)).toEqual([
    "https://a.example/x?y=1",
    "http://b.example",
  ]);
  expect(piecesOf("https://en.wikipedia.example/wiki/A_(b).")[0]?.text).toBe("https://en.wikipedia.example/wiki/A_(b)");
});

it("cuts the punctuation off that stands around addresses in a text", () => {
  const text = "Open https://example.com/a, then (https://example.com/b).\nDone";
  const cut = piecesOf(text);
  expect(cut.map((piece) => piece.text).join("")).toBe(text);
  expect(cut.filter((piece) => piece.isUrl).map((piece) => piece.text)).toEqual(["https://example.com/a", "https://example.com/b"]);
});

it("loses nothing of a text", () => {
  const text = "one\n https://a.example). two https://b.example https://c.example!";
  expect(piecesOf(text).map((piece) => piece.text).join("")).toBe(text);
});

it("makes nothing else of what people wrote", () => {
  render(<MessageText text={"<b>no</b> javascript:alert(1) www.example.com <script>alert(1)</script>"} />);
  expect(screen.queryByRole("link")).toBeNull();
  expect(document.querySelector("b, script")).toBeNull();
  expect(screen.getByText(/<b>no<\/b>/)).toHaveAttribute("dir", "auto");
});

it("opens links without telling where from", () => {
  render(<MessageText text="https://a.example/" />);
  expect(screen.getByRole("link")).toHaveAttribute("rel", "noopener noreferrer");
});
