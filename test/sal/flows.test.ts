import { expect } from "chai";
import { once } from "node:events";
import { salError } from "../../src/sal/errors.ts";
import { FLOW_CREDIT, MAX_FLOW_CREDIT } from "../../src/sal/session/credit.ts";
import type { Flow } from "../../src/sal/session/flow.ts";
import { failureOf } from "../support/failure.ts";
import { pattern } from "./rig/random.ts";
import { collect } from "./rig/salRig.ts";
import { SessionPair } from "./rig/sessionPair.ts";

const MIB = 1024 * 1024;

describe("flows of a session", () => {
  let pair: SessionPair;

  beforeEach(() => {
    pair = new SessionPair();
  });

  /** Writes without end. */
  function pour(flow: Flow): void {
    const chunk = Buffer.alloc(64 * 1024);
    const more = () => {
      while (flow.write(chunk));
    };
    flow.on("drain", more);
    more();
  }

  it("a slow reader bounds what its sender may send, and holds up no other flow", async () => {
    const [slow, unread] = pair.flow(1);
    const [quick, read] = pair.flow(2);
    pour(slow);
    await pair.clock.advance(2_000);
    expect(unread.bytesRead).to.equal(FLOW_CREDIT);
    expect(unread.readableLength).to.equal(FLOW_CREDIT);
    const sent = pattern(1, 3 * MIB);
    const got = collect(read);
    quick.end(sent);
    expect((await pair.clock.play(got)).equals(sent)).to.equal(true);
    expect(slow.bytesWritten).to.equal(FLOW_CREDIT);
  });

  it("credit grows for a fast reader up to its most, and is given back when the flow is closed", async () => {
    pair = new SessionPair(undefined, 3 * MIB);
    const [sender, reader] = pair.flow(1);
    reader.on("data", () => {});
    pour(sender);
    await pair.clock.until(() => reader.bytesRead > 8 * MIB);
    expect(pair.credit.take(2 * MIB)).to.equal(false);
    reader.pause();
    await pair.clock.advance(1_000);
    expect(reader.readableLength).to.be.within(FLOW_CREDIT, MAX_FLOW_CREDIT);
    sender.destroy();
    await pair.clock.advance(100);
    expect(pair.credit.take(3 * MIB)).to.equal(true);
  });

  it("credit is not given back while bytes are unread, though both directions have ended", async () => {
    const [sender, reader] = pair.flow(1);
    reader.on("data", () => {});
    pour(sender);
    await pair.clock.until(() => reader.bytesRead > 8 * MIB);
    sender.removeAllListeners("drain");
    reader.pause();
    sender.end();
    reader.end();
    await pair.clock.advance(1_000);
    expect(pair.near.session.flows.size).to.equal(0);
    expect(pair.credit.take(64 * MIB)).to.equal(false);
    reader.resume();
    sender.resume();
    await pair.clock.advance(10);
    expect(reader.closed).to.equal(true);
    expect(pair.credit.take(64 * MIB)).to.equal(true);
  });

  it("each direction ends by itself", async () => {
    const [near, far] = pair.flow(1);
    const [question, answer] = [collect(far), collect(near)];
    near.end("question");
    expect((await pair.clock.play(question)).toString()).to.equal("question");
    far.write("an");
    await pair.clock.advance(50);
    far.end("swer");
    expect((await pair.clock.play(answer)).toString()).to.equal("answer");
    await pair.clock.advance(50);
    expect([near.closed, far.closed, near.errored, far.errored]).to.deep.equal([
      true,
      true,
      null,
      null,
    ]);
  });

  for (const [what, end] of Object.entries({
    "is destroyed": (near: Flow) => near.destroy(),
    "is destroyed with an error": (near: Flow) => near.destroy(new Error("own")),
    "is destroyed with bytes that wait": (near: Flow) => {
      near.write(Buffer.alloc(MIB));
      near.destroy();
    },
    "is destroyed after its end was asked for and before it was sent": (near: Flow) => {
      near.end(Buffer.alloc(MIB));
      near.destroy();
    },
    "loses its session": () => {
      pair.near.session.close(salError("lost", "Gone."), false);
    },
  })) {
    it(`never ends clean at the other side when it ${what}`, async () => {
      const [near, far] = pair.flow(1);
      let hasEnd = false;
      far.on("end", () => (hasEnd = true));
      far.resume();
      near.write("a part");
      await pair.clock.advance(50);
      const over = once(far, "error");
      end(near);
      if (pair.near.end !== undefined) {
        await pair.clock.advance(50);
        pair.far.session.close(salError("lost", "No path."), false);
      }
      await pair.clock.play(over);
      expect(hasEnd).to.equal(false);
      expect(near.destroyed && far.destroyed).to.equal(true);
    });
  }

  it("a new flow does not wait behind megabytes", async () => {
    const [large, sink] = pair.flow(1);
    sink.on("data", () => {});
    pour(large);
    await pair.clock.until(() => sink.bytesRead > 2 * MIB);
    const [small, read] = pair.flow(2);
    const before = sink.bytesRead;
    read.on("data", () => {});
    small.write("first");
    await pair.clock.until(() => read.bytesRead > 0);
    // What was under way already, and no more.
    expect(sink.bytesRead - before).to.be.below(768 * 1024);
  });

  it("large flows share a connection in equal parts", async () => {
    const pairs = [1, 2, 3, 4].map((id) => pair.flow(id));
    for (const [sender, reader] of pairs) {
      reader.on("data", () => {});
      pour(sender);
    }
    const [, first] = pairs[0]!;
    await pair.clock.until(() => first.bytesRead > 8 * MIB);
    for (const [, reader] of pairs) expect(reader.bytesRead).to.be.within(6 * MIB, 10 * MIB);
  });

  describe("a program that throws", () => {
    let uncaught: unknown[];
    let mocha: NodeJS.UncaughtExceptionListener[];

    beforeEach(() => {
      uncaught = [];
      mocha = process.listeners("uncaughtException");
      process.removeAllListeners("uncaughtException");
      process.on("uncaughtException", (error) => uncaught.push(error));
    });
    afterEach(() => {
      process.removeAllListeners("uncaughtException");
      for (const listener of mocha) process.on("uncaughtException", listener);
    });

    for (const [where, install] of Object.entries({
      "in a listener of data": (_: Flow, far: Flow, fail: () => void) => far.once("data", fail),
      "in a listener of drain": (near: Flow, _: Flow, fail: () => void) => near.once("drain", fail),
      "in a callback of write": (near: Flow, _: Flow, fail: () => void) => near.write("x", fail),
    })) {
      it(`${where} loses no byte of its own flow nor of another`, async () => {
        const [near, far] = pair.flow(1);
        const [other, read] = pair.flow(2);
        const failure = new Error("the program's own");
        const sent = pattern(1, MIB);
        const [first, second] = [collect(far), collect(read)];
        install(near, far, () => {
          throw failure;
        });
        near.write(sent);
        other.end(sent);
        pair.clock.after(5_000, () => near.end());
        expect((await pair.clock.play(second)).equals(sent)).to.equal(true);
        const got = await pair.clock.play(first);
        expect(got.subarray(-MIB).equals(sent)).to.equal(true);
        expect(uncaught).to.deep.equal([failure]);
      });
    }
  });

  for (const [where, install] of Object.entries({
    data: (_: Flow, far: Flow, act: () => void) => far.once("data", act),
    drain: (near: Flow, _: Flow, act: () => void) => near.once("drain", act),
    write: (near: Flow, _: Flow, act: () => void) => near.write("x", act),
  })) {
    it(`a session may be closed within a callback of ${where}`, async () => {
      const [near, far] = pair.flow(1);
      far.resume();
      install(near, far, () => {
        pair.near.session.close(salError("closed", "Enough."), true);
        pair.far.session.close(salError("closed", "Enough."), true);
      });
      const over = failureOf(once(near, "end"));
      near.write(Buffer.alloc(MIB));
      expect(await pair.clock.play(over)).to.have.property("code", "SAL_CLOSED");
      await pair.clock.advance(20_000);
      expect(pair.links.map(({ isClosed }) => isClosed)).to.deep.equal([true, true]);
      expect(pair.clock.waiting).to.equal(0);
    });
  }

  it("a flow may be closed within a callback of its own data", async () => {
    const [near, far] = pair.flow(1);
    far.once("data", () => far.destroy());
    const over = once(near, "error");
    near.write(Buffer.alloc(MIB));
    const [error] = (await pair.clock.play(over)) as [Error];
    expect(error).to.have.property("code", "FLOW_CANCELLED");
    expect(pair.near.end).to.equal(undefined);
  });

  it("a write after the session ended fails, and so does a flow that is added", async () => {
    const [near] = pair.flow(1);
    pair.near.session.close(salError("lost", "Gone."), false);
    const failure = await new Promise<Error | null | undefined>((resolve) => {
      near.write("late", resolve);
    });
    expect(failure).to.be.instanceOf(Error);
  });

  it("a session without a link keeps what was written, up to its bounds", async () => {
    const [near, far] = pair.flow(1);
    pair.links[0].cut();
    await pair.clock.advance(10);
    const bound = near.writableHighWaterMark;
    expect(near.write(Buffer.alloc(bound - 1))).to.equal(true);
    expect(near.write(Buffer.alloc(1))).to.equal(false);
    const got = collect(far);
    near.end();
    pair.connect();
    expect((await pair.clock.play(got)).length).to.equal(bound);
  });

  it("a link that was closed before the session took it is lost at once", async () => {
    pair.links[0].cut();
    pair.links[1].cut();
    await pair.clock.advance(10);
    expect([pair.near.lostCount, pair.far.lostCount]).to.deep.equal([1, 1]);
    expect(pair.near.end).to.equal(undefined);
  });
});
