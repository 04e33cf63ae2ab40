import { expect } from "chai";
import fc from "fast-check";
import { BlockcloudError } from "../../src/protocol/errors.ts";
import { salError, salErrors } from "../../src/sal/errors.ts";
import { encodeFrame, encodeNumberFrame, frameSize } from "../../src/sal/wire/encode.ts";
import { FrameType, MAX_CONTROL, MAX_DATA, MAX_FLOW } from "../../src/sal/wire/frames.ts";
import { FrameParser, joined } from "../../src/sal/wire/parser.ts";
import { readNumber } from "../../src/sal/wire/read.ts";
import { decodeReason, encodeReason } from "../../src/sal/wire/reason.ts";
import {
  MAX_VARINT,
  readVarint,
  varintSize,
  varintWidth,
  writeVarint,
} from "../../src/sal/wire/varint.ts";
import "../support/arbitraries.ts";
import { expectCode } from "../support/expectCode.ts";
import { runs } from "../support/runs.ts";

interface Seen {
  type: number;
  flow: number;
  payload: string;
  size: number;
}

/** Parses chunks; what was seen, and how it ended. */
function parse(chunks: readonly Buffer[]): { seen: Seen[]; broken: string | undefined } {
  const seen: Seen[] = [];
  let broken: string | undefined;
  const parser = new FrameParser({
    frame: (type, flow, pieces, length, size) => {
      expect(pieces.reduce((sum, piece) => sum + piece.length, 0)).to.equal(length);
      seen.push({ type, flow, payload: joined(pieces).toString("hex"), size });
    },
    broken: (error) => {
      expect(broken).to.equal(undefined);
      broken = error.code;
    },
  });
  for (const chunk of chunks) parser.push(chunk);
  return { seen, broken };
}

/** Cuts bytes at places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort(
    (a, b) => a - b,
  );
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

const number = fc.oneof(fc.nat(70), fc.nat(20_000), fc.nat(2 ** 31 - 1), fc.maxSafeNat());
const frame = fc
  .tuple(
    fc.constantFrom(...Object.values(FrameType), 0x3f, 0xff),
    fc.oneof(fc.nat(100), fc.nat(MAX_FLOW)),
    fc.oneof(fc.nat(100), fc.nat(MAX_CONTROL), fc.constantFrom(0, 63, 64, MAX_CONTROL, MAX_DATA)),
  )
  .map(([type, flow, length]) => {
    const most = type === FrameType.data ? MAX_DATA : MAX_CONTROL;
    return { type, flow, payload: Buffer.alloc(Math.min(length, most), type + flow) };
  });

describe("frames of the SAL", () => {
  it("numbers are read as they were written, in each width that has room", () => {
    fc.assert(
      fc.property(number, fc.nat(3), (value, wider) => {
        const sizes = ([1, 2, 4, 8] as const).filter((size) => size >= varintSize(value));
        const size = sizes[wider % sizes.length] ?? 8;
        const bytes = Buffer.alloc(10, 0xee);
        expect(writeVarint(bytes, 1, value, size)).to.equal(1 + size);
        expect(varintWidth(bytes[1] ?? 0)).to.equal(size);
        expect(readVarint(bytes, 1, size)).to.equal(value);
        expect([bytes[0], bytes[1 + size]]).to.deep.equal([0xee, 0xee]);
      }),
      { numRuns: runs(1_000) },
    );
  });

  it("numbers at the edges of widths take the bytes of RFC 9000", () => {
    const edges: [number, string][] = [
      [0, "00"],
      [63, "3f"],
      [64, "4040"],
      [16_383, "7fff"],
      [16_384, "80004000"],
      [2 ** 30 - 1, "bfffffff"],
      [2 ** 30, "c000000040000000"],
      [MAX_VARINT, "c01fffffffffffff"],
    ];
    for (const [value, encoded] of edges) expect(hex(value)).to.equal(encoded);
  });

  it("a number above 2^53 - 1 is a breach", () => {
    expectCode(salErrors.protocol, () => readNumber(Buffer.from("ffffffffffffffff", "hex")));
    expectCode(salErrors.protocol, () => readNumber(Buffer.from("c020000000000000", "hex")));
    expect(readNumber(Buffer.from("c01fffffffffffff", "hex"))).to.equal(MAX_VARINT);
  });

  it("frames come through any cutting as they were sent", () => {
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 6 }),
        fc.array(fc.nat(), { maxLength: 40 }),
        (frames, places) => {
          const bytes = Buffer.concat(
            frames.map(({ type, flow, payload }) => encodeFrame(type, flow, payload)),
          );
          const { seen, broken } = parse(cut(bytes, places));
          expect(broken).to.equal(undefined);
          expect(seen).to.deep.equal(
            frames.map(({ type, flow, payload }) => ({
              type,
              flow,
              payload: payload.toString("hex"),
              size: frameSize(flow, payload.length),
            })),
          );
        },
      ),
      { numRuns: runs(300, 10_000) },
    );
  });

  it("a frame in single bytes comes through", () => {
    const bytes = encodeFrame(FrameType.data, MAX_FLOW, Buffer.alloc(MAX_DATA, 7));
    const { seen } = parse(cut(bytes, Array.from(bytes.keys())));
    expect(seen.map(({ size }) => size)).to.deep.equal([bytes.length]);
  });

  it("a number's frame is read back", () => {
    fc.assert(
      fc.property(number, (value) => {
        const { seen } = parse([encodeNumberFrame(FrameType.ack, 0, value)]);
        expect(readNumber(Buffer.from(seen[0]?.payload ?? "", "hex"))).to.equal(value);
      }),
    );
  });

  it("any bytes end in frames within bounds or in one breach, the same however they are cut", () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc
        .tuple(
          fc.array(frame, { maxLength: 3 }),
          fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 3 }),
        )
        .map(([frames, changes]) => {
          const good = Buffer.concat(
            frames.map(({ type, flow, payload }) => encodeFrame(type, flow, payload)),
          );
          for (const [place, value] of changes) if (place < good.length) good[place] = value;
          return good;
        }),
    );
    fc.assert(
      fc.property(bytes, fc.array(fc.nat(), { maxLength: 10 }), (raw, places) => {
        const whole = Buffer.from(raw);
        const result = parse([whole]);
        expect(parse(cut(whole, places))).to.deep.equal(result);
        expect([undefined, salErrors.protocol]).to.include(result.broken);
        for (const { type, flow, payload } of result.seen) {
          expect(flow).to.be.at.most(MAX_FLOW);
          expect(payload.length / 2).to.be.at.most(
            type === FrameType.data ? MAX_DATA : MAX_CONTROL,
          );
        }
      }),
      { numRuns: runs(2_000) },
    );
  });

  it("a parser that is stopped passes on nothing more of its chunk", () => {
    let count = 0;
    const parser = new FrameParser({
      frame: () => {
        count += 1;
        parser.stop();
      },
      broken: () => {},
    });
    const ping = encodeFrame(FrameType.ping);
    parser.push(Buffer.concat([ping, ping]));
    parser.push(ping);
    expect(count).to.equal(1);
  });
});

describe("reasons on the wire", () => {
  const own: readonly (keyof typeof salErrors)[] = [
    "noPath",
    "proof",
    "unpublished",
    "listen",
    "closed",
    "options",
  ];
  for (const name of Object.keys(salErrors) as (keyof typeof salErrors)[]) {
    it(`${salErrors[name]} arrives as ${own.includes(name) ? "a flow given up" : "itself"}`, () => {
      const told = decodeReason(encodeReason(salError(name, "The reason.")));
      expect(told.code).to.equal(own.includes(name) ? salErrors.cancelled : salErrors[name]);
      expect(told.message).to.match(/^The reason\./);
      // The remedy is added once, by the side that shows it.
      const remedy = told.remedy ?? "";
      expect(told.message.split(remedy).length).to.equal(2);
    });
  }

  it("an error of another part is told as a flow given up, with its text", () => {
    const told = decodeReason(
      encodeReason(new BlockcloudError("FLOW_IDLE", "Nothing was carried.")),
    );
    expect(told.code).to.equal(salErrors.cancelled);
  });

  it("a stranger's text is bounded and has no control characters", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), (raw) => {
        const { message, remedy = "" } = decodeReason(Buffer.from(raw));
        expect(message).to.match(/^[\x20-\x7e]+$/);
        expect(message.length).to.be.at.most(512 + 1 + remedy.length);
      }),
      { numRuns: runs(1_000) },
    );
    const attack = Buffer.concat([Buffer.of(2), Buffer.from("\u001b[2J\r\nlog: forged \u202e")]);
    expect(decodeReason(attack).message).not.to.match(/[\u001b\r\n\u202e]/);
  });
});

function hex(value: number): string {
  const bytes = Buffer.alloc(varintSize(value));
  writeVarint(bytes, 0, value);
  return bytes.toString("hex");
}
