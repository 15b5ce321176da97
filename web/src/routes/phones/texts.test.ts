/** What is found in messages. */
import { describe, expect, it } from "vitest";
import { findCode, findLinks, isHtml, ownPicture } from "./texts";

describe("codes", () => {
  it("finds the six digits of a login code", () => {
    expect(findCode("969022 is your Switchboard code for signing in. It is good for 10 minutes.")).toBe("969022");
  });

  it("takes no other digits for a code", () => {
    expect(findCode("Your order 969022 has shipped")).toBeUndefined();
    expect(findCode("Code: call +12025550142 or 2025550142")).toBeUndefined();
    expect(findCode("your code of 1234567")).toBeUndefined();
  });
});

describe("links", () => {
  it("finds the links of a mail, each once, and not what it would load", () => {
    const html = '<a href="https://example.com/?a=1&amp;b=2">x</a><img src="https://example.com/spy.png"><a href=\'https://example.com/?a=1&amp;b=2\'>y</a>';
    expect(findLinks(html)).toEqual(["https://example.com/?a=1&b=2"]);
  });

  it("finds nothing but http and https", () => {
    expect(findLinks('<a href="javascript:alert(1)">a</a><a href="data:text/html,x">b</a><a href="ftp://example.com">c</a>')).toEqual([]);
  });
});

it("tells HTML from text that has angle brackets", () => {
  expect(isHtml("<p>Hi</p>")).toBe(true);
  expect(isHtml("1 < 2 and 3 > 2, <3")).toBe(false);
});

it("shows only pictures that the server itself serves", () => {
  expect(ownPicture(`${location.origin}/api/attachments/1/token`)).toBe(`${location.origin}/api/attachments/1/token`);
  expect(ownPicture("https://example.com/api/attachments/1/token")).toBeUndefined();
  expect(ownPicture("attachment-url")).toBeUndefined();
});
