import { describe, expect, it } from "vitest";
import { eventReader } from "./live-transport";

function read(pieces: string[]): string[] {
  const found: string[] = [];
  const take = eventReader((data) => found.push(data));
  for (const piece of pieces) take(piece);
  return found;
}

describe("eventReader", () => {
  it("names an event that has a name, and no other", () => {
    const found: string[] = [];
    const take = eventReader((data, name) => found.push(`${name}:${data}`));
    take('data: a: b\n\nevent: end\ndata: {"code":4401}\n\ndata:c\n\n');
    expect(found).toEqual([":a: b", 'end:{"code":4401}', ":c"]);
  });

  it("gives the data of each event, whatever else it has", () => {
    expect(read(['id: 1\nevent: message.received\ndata: {"id":1}\n\n: still here\n\ndata:{"id":2}\n\n'])).toEqual(['{"id":1}', '{"id":2}']);
  });

  it("joins what comes in pieces, wherever it is cut", () => {
    const text = "data: one\r\ndata: more\r\n\r\ndata: two\r\n\r\n";
    for (let cut = 0; cut <= text.length; cut += 1) expect(read([text.slice(0, cut), text.slice(cut)])).toEqual(["one\nmore", "two"]);
  });

  it("joins several lines of data, and gives nothing of an event that has not ended", () => {
    expect(read(["data: a\ndata: b\n\ndata: c\n"])).toEqual(["a\nb"]);
  });
});
