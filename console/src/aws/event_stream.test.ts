import { expect, test } from "vitest";
import { StreamReader } from "./event_stream";

const encoder = new TextEncoder();

/** A message with string headers; the checksums are left zero: TCP has its own. */
function framed(headers: Record<string, string>, payload: string): Uint8Array {
  const head = Object.entries(headers).flatMap(([name, value]) => [
    name.length,
    ...encoder.encode(name),
    7,
    value.length >> 8,
    value.length & 255,
    ...encoder.encode(value),
  ]);
  const body = encoder.encode(payload);
  const bytes = new Uint8Array(12 + head.length + body.length + 4);
  new DataView(bytes.buffer).setUint32(0, bytes.length);
  new DataView(bytes.buffer).setUint32(4, head.length);
  bytes.set(head, 12);
  bytes.set(body, 12 + head.length);
  return bytes;
}

const ONE = framed({ ":event-type": "sessionStart" }, "{}");
const TWO = framed({ ":event-type": "sessionUpdate", ":content-type": "application/json" }, '{"sessionResults":[]}');

function heard(pieces: Uint8Array[]): [string, string][] {
  const reader = new StreamReader();
  return pieces
    .flatMap((piece) => reader.feed(piece))
    .map(({ headers, payload }) => [headers[":event-type"] ?? "", new TextDecoder().decode(payload)]);
}

const WHOLE = [
  ["sessionStart", "{}"],
  ["sessionUpdate", '{"sessionResults":[]}'],
];

test("messages are read wherever the pieces are cut", () => {
  const bytes = new Uint8Array([...ONE, ...TWO]);
  expect(heard([bytes])).toEqual(WHOLE);
  for (let cut = 1; cut < bytes.length; cut++) {
    expect(heard([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(WHOLE);
  }
  expect(heard(Array.from(bytes, (byte) => new Uint8Array([byte])))).toEqual(WHOLE);
});

test("what has not arrived whole is not told", () => {
  expect(heard([ONE.subarray(0, ONE.length - 1)])).toEqual([]);
});

test("a length that no message can have ends the reading", () => {
  expect(() => heard([new Uint8Array(16)])).toThrow(RangeError);
});
