import { describe, expect, it } from "vitest";
import { readCode } from "./code-field";
import { formatLeft } from "./countdown";
import { fieldSentence } from "./form-problem";
import { readPendingSignIn } from "./held";
import { tokenIn } from "./link-token";
import { changesOf } from "./profile/details";
import { clientName } from "./profile/client-name";

describe("a code", () => {
  it("is found in whatever was pasted", () => {
    expect(readCode("123 456")).toBe("123456");
    expect(readCode("123-456\n")).toBe("123456");
    expect(readCode("067414 is your Switchboard code for signing in. It is good for 10 minutes.")).toBe("067414");
    expect(readCode("It is good for 10 minutes: 067-414.")).toBe("067414");
  });

  it("is read while it is typed, digits alone, and is never longer than six", () => {
    expect(readCode("12")).toBe("12");
    expect(readCode("12a3")).toBe("123");
    expect(readCode("1234567")).toBe("123456");
  });

  it("shows how long it is good", () => {
    expect(formatLeft(600)).toBe("10:00");
    expect(formatLeft(61)).toBe("1:01");
  });
});

describe("the token of a link", () => {
  it("is what stands behind the #, of a whole link or alone", () => {
    expect(tokenIn("https://example.com/recover#sb_mail_abc-DEF_123")).toBe("sb_mail_abc-DEF_123");
    expect(tokenIn(" sb_mail_abc ")).toBe("sb_mail_abc");
  });

  it("is nothing else", () => {
    expect(tokenIn("")).toBeUndefined();
    expect(tokenIn("https://example.com/recover")).toBeUndefined();
    expect(tokenIn("#<img src=x>")).toBeUndefined();
  });
});

describe("the server's word on a field", () => {
  it("becomes a sentence that names it", () => {
    expect(fieldSentence("mobile", "must be a phone number")).toBe("The mobile must be a phone number.");
    expect(fieldSentence("password", "is too easy to guess")).toBe("The password is too easy to guess.");
    expect(fieldSentence("username", "this username is taken")).toBe("This username is taken.");
  });
});

describe("a sign-in that waits for its code", () => {
  const verification = { channel: "sms", to: "...0102", expires_at: "2026-11-21T22:39:03Z" };

  it("outlives a reload", () => {
    const kept = { username: "bugs", sentAt: Date.now() - 1000, verification };
    expect(readPendingSignIn(kept)).toEqual(kept);
  });

  it("does not outlive what the server keeps of it", () => {
    expect(readPendingSignIn({ username: "bugs", sentAt: Date.now() - 16 * 60_000, verification })).toBeUndefined();
  });

  it("counts for nothing when it is not whole", () => {
    expect(readPendingSignIn({ username: "bugs", sentAt: Date.now() })).toBeUndefined();
    expect(readPendingSignIn({ username: "bugs", sentAt: Date.now(), verification: { ...verification, channel: "owl" } })).toBeUndefined();
    expect(readPendingSignIn("bugs")).toBeUndefined();
  });
});

describe("a change of the details", () => {
  const user = {
    id: 1,
    username: "bugs",
    email: "bugs@example.com",
    email_verified: true,
    mobile: "+12025550102",
    name: "Bugs Bunny",
    first_name: "Bugs",
    last_name: "Bunny",
    mfa: true,
    totp: false,
    created_at: "2026-11-21T22:00:00Z",
    modified_at: "2026-11-21T22:00:00Z",
  };

  it("asks for what is different, and leaves the rest alone", () => {
    expect(changesOf(user, { name: "Bugs B.", username: "bugs", email: "bugs@example.com" })).toEqual({ name: "Bugs B." });
    expect(changesOf(user, { name: "Bugs Bunny", username: " bugsy ", email: "b@example.com" })).toEqual({
      desired_username: "bugsy",
      desired_email: "b@example.com",
    });
  });

  it("may take the name away", () => {
    expect(changesOf(user, { name: "", username: "bugs", email: "bugs@example.com" })).toEqual({ name: "" });
  });
});

describe("what signed in", () => {
  it("is named as people do", () => {
    expect(clientName("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36")).toEqual({ label: "Chrome on Linux", isPhone: false });
    expect(clientName("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0").label).toBe("Edge on Windows");
    expect(clientName("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1")).toEqual({
      label: "Safari on iPhone",
      isPhone: true,
    });
    expect(clientName("Mozilla/5.0 (Android 14; Mobile; rv:132.0) Gecko/132.0 Firefox/132.0")).toEqual({ label: "Firefox on Android", isPhone: true });
    expect(clientName("curl/8.5.0").label).toBe("curl");
    expect(clientName("").label).toBe("A program without a name");
  });
});
