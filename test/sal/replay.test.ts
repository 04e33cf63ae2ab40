import { expect } from "chai";
import fc from "fast-check";
import { salErrors } from "../../src/sal/errors.ts";
import { Replay } from "../../src/sal/session/replay.ts";
import { SEGMENT_BYTES, SegmentPool } from "../../src/sal/session/segments.ts";
import "../support/arbitraries.ts";
import { expectCode } from "../support/expectCode.ts";
import { runs } from "../support/runs.ts";
import { pattern } from "./rig/random.ts";

type Step =
  | { kind: "append"; length: number }
  | { kind: "take" }
  | { kind: "acknowledge"; share: number }
  | { kind: "rewind"; share: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant("append" as const),
    length: fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: SEGMENT_BYTES })),
  }),
  fc.record({ kind: fc.constant("take" as const) }),
  fc.record({
    kind: fc.constant("acknowledge" as const),
    share: fc.double({ min: 0, max: 1.2, noNaN: true }),
  }),
  fc.record({
    kind: fc.constant("rewind" as const),
    share: fc.double({ min: -0.2, max: 1.2, noNaN: true }),
  }),
);

/** The same with one array of bytes. */
class Model {
  bytes = Buffer.alloc(0);
  acknowledged = 0;
  sent = 0;
  sentOnce = 0;
}

describe("the bytes that a session keeps for a resumption", () => {
  it("are the same as of one array, whatever is appended, taken, acknowledged and rewound", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: "max" }), (steps) => {
        const pool = new SegmentPool(2);
        const replay = new Replay(pool);
        const model = new Model();
        for (const each of steps) play(each, replay, model, pool);
        replay.clear();
        expect(replay.held).to.equal(0);
      }),
      { numRuns: runs(200, 5_000) },
    );
  });

  it("refuse an acknowledgement of what was not sent, and a resumption there", () => {
    const replay = new Replay(new SegmentPool());
    replay.append(Buffer.alloc(10), 10);
    expectCode(salErrors.protocol, () => {
      replay.acknowledge(1);
    });
    expect(replay.rewind(5)).to.equal(false);
    expect(replay.take()?.length).to.equal(10);
    replay.acknowledge(10);
    expect(replay.rewind(9)).to.equal(false);
    expect(replay.rewind(10)).to.equal(true);
    expect(replay.hasUnsent).to.equal(false);
  });

  it("take no more memory than twice their length, and what their objects take", () => {
    const replay = new Replay(new SegmentPool());
    for (let count = 0; count < 100; count++) replay.append(Buffer.alloc(SEGMENT_BYTES), 20_000);
    expect(replay.held).to.be.within(2_000_000, 4_000_000);
    expect(replay.take()?.buffer.byteLength).to.equal(20_000);
  });
});

function play(each: Step, replay: Replay, model: Model, pool: SegmentPool): void {
  switch (each.kind) {
    case "append": {
      const bytes = pattern(model.bytes.length + each.length, each.length);
      const buffer = pool.take(each.length);
      bytes.copy(buffer);
      replay.append(buffer, each.length);
      model.bytes = Buffer.concat([model.bytes, bytes]);
      break;
    }
    case "take": {
      const taken = replay.take();
      if (model.sent === model.bytes.length) {
        expect(taken).to.equal(undefined);
        break;
      }
      const end = model.sent + (taken?.length ?? 0);
      expect(taken?.equals(model.bytes.subarray(model.sent, end))).to.equal(true);
      model.sent = end;
      model.sentOnce = Math.max(model.sentOnce, end);
      break;
    }
    case "acknowledge": {
      const offset = Math.floor(model.sentOnce * each.share);
      if (offset > model.sentOnce) {
        expectCode(salErrors.protocol, () => {
          replay.acknowledge(offset);
        });
        break;
      }
      replay.acknowledge(offset);
      model.acknowledged = Math.max(model.acknowledged, Math.min(offset, model.sent));
      break;
    }
    case "rewind": {
      const span = model.sentOnce - model.acknowledged;
      const offset = model.acknowledged + Math.floor(span * each.share);
      const isKept = offset >= model.acknowledged && offset <= model.sentOnce;
      expect(replay.rewind(offset)).to.equal(isKept);
      if (!isKept) break;
      model.sent = offset;
      model.acknowledged = offset;
    }
  }
  expect(replay.acknowledged).to.equal(model.acknowledged);
  expect(replay.end).to.equal(model.bytes.length);
  expect(replay.unacknowledged).to.equal(model.bytes.length - model.acknowledged);
  expect(replay.hasUnsent).to.equal(model.sent < model.bytes.length);
  expect(replay.held).to.be.at.least(replay.unacknowledged);
}
