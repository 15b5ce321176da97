import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { explain, Offline, Problem } from "../api/problem";
import { isWorthRetrying, retryDelay } from "../api/query";
import { initials } from "./avatar";
import { Button } from "./button";
import { ExternalLink, safeUrl } from "./link";
import { ErrorState } from "./states";
import { formatDay, formatDuration, formatTime } from "./time";

function problem(status: number, retryAfter?: number): Problem {
  return new Problem({ status, code: "some_code", detail: "the detail", ...(retryAfter !== undefined && { retryAfter }) });
}

function read(body: string, status = 404): Promise<Problem> {
  return Problem.of(new Response(body, { status, headers: { "retry-after": "7" } }));
}

describe("a link out of the app", () => {
  it("leads to http and https alone", () => {
    for (const url of ["https://a.example/x?y#z", "http://a.example"]) expect(safeUrl(url)).toBe(url);
    for (const url of ["javascript:alert(1)", "data:text/html,x", "//a.example", "/inbox", "attachment-url", " https://a.example", "https://"]) {
      expect(safeUrl(url)).toBeUndefined();
    }
  });

  it("tells the other side nothing, and is text where it leads nowhere", () => {
    render(
      <>
        <ExternalLink href="https://a.example/">there</ExternalLink>
        <ExternalLink href="javascript:alert(1)" />
      </>,
    );
    expect(screen.getByRole("link", { name: "there" })).toHaveAttribute("rel", "noopener noreferrer");
    expect(screen.getByText("javascript:alert(1)").closest("a")).toBeNull();
  });
});

describe("a button", () => {
  it("takes no click while it is busy, and keeps its name", async () => {
    const onClick = vi.fn();
    const onSubmit = vi.fn((event: Event) => event.preventDefault());
    const { container } = render(
      <form>
        <input aria-label="Name" />
        <Button type="submit" isBusy onClick={onClick}>
          Save
        </Button>
      </form>,
    );
    container.querySelector("form")?.addEventListener("submit", onSubmit);
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    await userEvent.type(screen.getByLabelText("Name"), "x{Enter}");
    expect(onClick).not.toHaveBeenCalled();
    expect(onSubmit).not.toHaveBeenCalled();
  });
});

describe("a failure", () => {
  it("is told in the server's own words, and by the request's id when it is the server's fault", () => {
    render(<ErrorState error={new Problem({ status: 500, code: "internal", detail: "it broke", requestId: "abc" })} />);
    expect(screen.getByRole("alert")).toHaveTextContent("It broke.");
    expect(screen.getByRole("alert")).toHaveTextContent("Request abc");
  });

  it("says nothing of what went wrong inside the app", () => {
    expect(explain(new TypeError("x is undefined"))).not.toContain("undefined");
    expect(explain(new Offline())).toMatch(/cannot be reached/);
  });

  it("is tried again only where that can help", () => {
    for (const error of [new Offline(), problem(503)]) expect(isWorthRetrying(0, error)).toBe(true);
    for (const error of [problem(400), problem(401), problem(404), problem(409), problem(429), problem(500), new TypeError()]) {
      expect(isWorthRetrying(0, error)).toBe(false);
    }
    expect(isWorthRetrying(3, new Offline())).toBe(false);
    expect(retryDelay(0, problem(503, 9))).toBe(9000);
  });

  it("is read from an answer that is no problem+json too", async () => {
    expect(await read('{"message":"User not found"}')).toMatchObject({ detail: "User not found", code: "http_404", retryAfter: 7 });
    expect(await read("<html>")).toMatchObject({ status: 404, errors: [] });
    expect((await read('{"errors":[{"field":"to","code":"required","message":"is required"},3]}', 400)).field("to")).toBe("is required");
  });
});

describe("an avatar", () => {
  it("has the first letters of a name, or the end of a number", () => {
    expect(initials("Bugs Bunny")).toBe("BB");
    expect(initials("+1 (201) 555-0142")).toBe("42");
    expect(initials("porky@example.com")).toBe("PE");
    expect(initials("😀 x")).toBe("😀X");
    expect(initials("  ")).toBe("?");
  });
});

describe("a time", () => {
  const now = new Date(2026, 10, 21, 15, 0).getTime();

  it("names the days that are near", () => {
    expect(formatDay(new Date(2026, 10, 21, 0, 1), now)).toBe("Today");
    expect(formatDay(new Date(2026, 10, 20, 23, 59), now)).toBe("Yesterday");
    expect(formatDay(new Date(2026, 10, 19, 23, 59), now)).toMatch(/19/);
  });

  it("is short in a list: the clock, the day of the week, the date, the year", () => {
    expect(formatTime(new Date(2026, 10, 21, 9, 5), "list", now)).toMatch(/05/);
    expect(formatTime(new Date(2026, 10, 18), "list", now)).toMatch(/^\p{L}+$/u);
    expect(formatTime(new Date(2026, 4, 3), "list", now)).not.toMatch(/2026/);
    expect(formatTime(new Date(2025, 4, 3), "list", now)).toMatch(/2025/);
  });

  it("takes its unit from its length", () => {
    expect([850, 12_400, 200_000, 7_500_000].map(formatDuration)).toEqual(["850 ms", "12 s", "3 min 20 s", "2 h 5 min"]);
  });
});
