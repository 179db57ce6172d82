// Event stream framing: what StartLiveTail answers with. AWS: Smithy, "Amazon event stream specification".

export interface StreamMessage {
  headers: Record<string, string>;
  payload: Uint8Array;
}

const PRELUDE = 12;
const CHECKSUM = 4;
const STRING = 7;
const decoder = new TextDecoder();

/** Turns pieces as they arrive into whole messages. Only headers of type string are kept: AWS sends no others here. */
export class StreamReader {
  private rest = new Uint8Array(0);

  feed(piece: Uint8Array): StreamMessage[] {
    const joined = new Uint8Array(this.rest.length + piece.length);
    joined.set(this.rest);
    joined.set(piece, this.rest.length);
    const messages: StreamMessage[] = [];
    let at = 0;
    while (joined.length - at >= PRELUDE) {
      const length = view(joined).getUint32(at);
      if (length < PRELUDE + CHECKSUM) throw new RangeError("an event stream message cannot be this short");
      if (joined.length - at < length) break;
      messages.push(message(joined.subarray(at, at + length)));
      at += length;
    }
    this.rest = joined.slice(at);
    return messages;
  }
}

function message(bytes: Uint8Array): StreamMessage {
  const end = PRELUDE + view(bytes).getUint32(4);
  return { headers: headersOf(bytes.subarray(PRELUDE, end)), payload: bytes.slice(end, bytes.length - CHECKSUM) };
}

function headersOf(bytes: Uint8Array): Record<string, string> {
  const headers: Record<string, string> = {};
  const numbers = view(bytes);
  let at = 0;
  while (at < bytes.length) {
    const nameEnd = at + 1 + numbers.getUint8(at);
    const name = decoder.decode(bytes.subarray(at + 1, nameEnd));
    if (numbers.getUint8(nameEnd) !== STRING) throw new RangeError(`header ${name} is not a string`);
    const valueEnd = nameEnd + 3 + numbers.getUint16(nameEnd + 1);
    headers[name] = decoder.decode(bytes.subarray(nameEnd + 3, valueEnd));
    at = valueEnd;
  }
  return headers;
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
