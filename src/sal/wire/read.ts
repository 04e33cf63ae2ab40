import { salError } from "../errors.ts";
import { MAX_VARINT, readVarint, varintWidth } from "./varint.ts";

/** Reads the fields of a payload in order; any lack or excess is a breach of the protocol. */
export class PayloadReader {
  readonly #payload: Buffer;
  #at = 0;

  constructor(payload: Buffer) {
    this.#payload = payload;
  }

  /** The next bytes, sharing memory with the payload. */
  bytes(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#payload.length) throw short(this.#payload);
    const bytes = this.#payload.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }

  byte(): number {
    return this.bytes(1)[0] ?? 0;
  }

  uint16(): number {
    return this.bytes(2).readUInt16BE();
  }

  uint64(): bigint {
    return this.bytes(8).readBigUInt64BE();
  }

  varint(): number {
    const first = this.#payload[this.#at];
    if (first === undefined) throw short(this.#payload);
    const width = varintWidth(first);
    const value = readVarint(this.bytes(width), 0, width);
    if (value > MAX_VARINT) throw salError("protocol", "The peer sent a number above 2^53 - 1.");
    return value;
  }

  /** The rest. */
  rest(): Buffer {
    return this.bytes(this.#payload.length - this.#at);
  }

  /** @throws BlockcloudError `SAL_PROTOCOL` if there are more bytes. */
  end(): void {
    if (this.#at === this.#payload.length) return;
    throw salError(
      "protocol",
      `The peer sent ${this.#payload.length} bytes where ${this.#at} end.`,
    );
  }
}

/** The number that is a whole payload. */
export function readNumber(payload: Buffer): number {
  const reader = new PayloadReader(payload);
  const value = reader.varint();
  reader.end();
  return value;
}

function short(payload: Buffer): Error {
  return salError("protocol", `The peer sent a payload of only ${payload.length} bytes.`);
}
