/** How much is still to be told. */
import { expect, it } from "vitest";
import { countWaiting } from "./waiting";

async function* deliveries(...rows: [minute: number, state: "waiting" | "succeeded" | "failed"][]) {
  for (const [minute, state] of rows) yield { timestamp: `2030-01-01T12:${String(minute).padStart(2, "0")}:00.000000Z`, state };
}

const span = { from: "2030-01-01T12:10:00Z", to: "2030-01-01T12:20:00Z" };

it("counts what waits within the span, its end left out", async () => {
  const rows = deliveries([21, "waiting"], [20, "waiting"], [19, "waiting"], [15, "succeeded"], [10, "waiting"], [9, "waiting"]);
  expect(await countWaiting(rows, span)).toEqual({ waiting: 2, isCut: false });
});

it("looks no further back than the span", async () => {
  let looked = 0;
  async function* counted() {
    for await (const row of deliveries([15, "failed"], [9, "waiting"], [8, "waiting"], [7, "waiting"])) {
      looked += 1;
      yield row;
    }
  }
  await countWaiting(counted(), span);
  expect(looked).toBe(2);
});

it("says that it has not seen everything", async () => {
  expect(await countWaiting(deliveries([19, "waiting"], [18, "waiting"], [17, "waiting"]), span, 2)).toEqual({ waiting: 2, isCut: true });
});
