/** Reading an export. */
import { expect, it } from "vitest";
import { collect } from "./export";

function streamOf(...pieces: string[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(encoder.encode(piece));
      controller.close();
    },
  });
}

it("counts rows, not the lines within them, wherever the pieces are cut", async () => {
  const csv = 'id,evidence\r\n1,"{""text"":""STOP\nnow""}"\r\n2,{}\r\n';
  for (let cut = 0; cut <= csv.length; cut += 1) {
    const { rows, bytes } = await collect(streamOf(csv.slice(0, cut), csv.slice(cut)), () => {});
    expect(rows).toBe(2);
    expect(bytes).toBe(csv.length);
  }
});

it("counts no row where there is only the heading", async () => {
  expect((await collect(streamOf("id,evidence\r\n"), () => {})).rows).toBe(0);
  expect((await collect(streamOf(), () => {})).rows).toBe(0);
});

it("keeps every byte in order", async () => {
  const { chunks } = await collect(streamOf("id\r\n", "1\r\n", "2\r\n"), () => {});
  expect(await new Blob(chunks).text()).toBe("id\r\n1\r\n2\r\n");
});
