import { expect } from "chai";
import fc from "fast-check";
import { BlockcloudError } from "../../src/protocol/errors.ts";
import {
  ClientHelloReader,
  MAX_HELLO_BYTES,
  type ClientHello,
} from "../../src/relay/clientHello.ts";
import { relayErrors } from "../../src/sal/relay/errors.ts";

/** A field with its length before it. */
function field(size: 1 | 2 | 3, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const length = Buffer.alloc(size);
  length.writeUIntBE(body.length, 0, size);
  return Buffer.concat([length, body]);
}

const u16 = (value: number) => Buffer.of(value >> 8, value & 0xff);
const text = (value: string) => Buffer.from(value, "latin1");

/** A ClientHello with one name and some protocols, in records of a size. */
function hello(name: string, protocols: readonly string[], padding: number, size: number): Buffer {
  const names = field(2, field(2, Buffer.of(0), field(2, text(name))));
  const list = field(2, field(2, ...protocols.map((each) => field(1, text(each)))));
  const extensions = field(
    2,
    ...[u16(0xfafa), field(2, Buffer.alloc(padding))],
    ...[u16(0), names, u16(16), list],
  );
  const body = [u16(0x303), Buffer.alloc(32), field(1, Buffer.alloc(32)), field(2, u16(0x1301))];
  const message = Buffer.concat([
    Buffer.of(1),
    field(3, ...body, field(1, Buffer.of(0)), extensions),
  ]);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    records.push(Buffer.concat([Buffer.of(22, 3, 1), field(2, message.subarray(at, at + size))]));
  }
  return Buffer.concat(records);
}

function read(bytes: Buffer): ClientHello | undefined {
  return new ClientHelloReader().push(bytes);
}

describe("a ClientHello", () => {
  it("is read in whatever records and segments it comes, and not before it is whole", () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z0-9.-]{1,60}$/),
        fc.array(fc.stringMatching(/^[a-z0-9/.-]{1,12}$/), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 0, max: 4_000 }),
        fc.integer({ min: 20, max: 5_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (name, protocols, padding, size, share) => {
          const bytes = hello(name, protocols, padding, size);
          fc.pre(bytes.length < MAX_HELLO_BYTES);
          expect(read(bytes)).to.deep.equal({ serverName: name, protocols });
          const cut = bytes.subarray(0, Math.floor(share * (bytes.length - 1)));
          expect(read(cut)).to.equal(undefined);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("is read once, in whatever pieces it comes: what was read may be written over", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1_500 }),
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 300 }),
        (padding, size, piece) => {
          const bytes = hello("example.org", ["sal/1"], padding, size);
          fc.pre(bytes.length < MAX_HELLO_BYTES);
          const reader = new ClientHelloReader();
          const answers: (ClientHello | undefined)[] = [];
          for (let at = 0; at < bytes.length; at += piece) {
            const chunk = Buffer.from(bytes.subarray(at, at + piece));
            answers.push(reader.push(chunk));
            chunk.fill(0xff);
          }
          const whole = answers.pop();
          expect(whole).to.deep.equal({ serverName: "example.org", protocols: ["sal/1"] });
          expect(answers.every((answer) => answer === undefined)).to.equal(true);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("of a stranger is refused with a code, or not whole, whatever bytes come", () => {
    const base = hello("example.org", ["sal/1"], 40, 4_000);
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
          fc
            .tuple(fc.nat(base.length - 1), fc.nat(255))
            .map(([at, value]) => Buffer.from(base).fill(value, at, at + 1)),
        ),
        (bytes) => {
          try {
            read(bytes);
          } catch (error) {
            expect(error).to.be.instanceOf(BlockcloudError);
            expect((error as BlockcloudError).code).to.equal(relayErrors.refused);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it("may have 16 KiB, and no more", () => {
    const long = hello("example.org", ["sal/1"], MAX_HELLO_BYTES, 4_000);
    expect(() => read(long.subarray(0, MAX_HELLO_BYTES)))
      .to.throw(BlockcloudError)
      .with.property("code", relayErrors.refused);
  });
});
