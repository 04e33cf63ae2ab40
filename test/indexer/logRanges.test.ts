import { expect } from "chai";
import fc from "fast-check";
import { keccak256, numberToHex, toHex, type Address, type Hex } from "viem";
import { EndpointFault } from "../../src/chain/rpc/faults.ts";
import { LogRanges, LongRangeError } from "../../src/indexer/logRanges.ts";
import { FakeTimers } from "../support/fakeTime.ts";
import "../support/arbitraries.ts";

interface Log {
  address: Address;
  topics: Hex[];
  blockNumber: Hex;
  logIndex: Hex;
}
interface Filter {
  address: Address | readonly Address[];
  topics?: readonly Hex[];
  fromBlock: Hex;
  toBlock: Hex;
}

const contracts = ["a", "b", "c"].map((letter) => `0x${letter.repeat(40)}` as const);
const topics = [0, 1, 2, 3].map((event) => keccak256(toHex(`event ${event}`)));
const pairs = contracts.flatMap((address) => topics.map((topic) => ({ address, topic })));

/** What any node answers. */
function naive(logs: readonly Log[], { address, topics: wanted = [], fromBlock, toBlock }: Filter) {
  return logs.filter(
    (log) =>
      [address].flat().includes(log.address) &&
      wanted.every((topic, at) => log.topics[at] === topic) &&
      Number(fromBlock) <= Number(log.blockNumber) &&
      Number(log.blockNumber) <= Number(toBlock),
  );
}

function log(block: number, logIndex: number, pair: { address: Address; topic: Hex }): Log {
  const [blockNumber, index] = [numberToHex(block), numberToHex(logIndex)];
  return { address: pair.address, topics: [pair.topic], blockNumber, logIndex: index };
}

function setUp(logs: readonly Log[], answer?: (filter: Filter) => unknown) {
  const timers = new FakeTimers();
  const asked: Filter[] = [];
  const ranges = new LogRanges(contracts, {
    timers,
    request: async (_method, params) => {
      const [filter] = params as [Filter];
      asked.push(filter);
      await Promise.resolve();
      return answer?.(filter) ?? naive(logs, filter);
    },
  });
  const filters = (from: number, to: number) =>
    pairs.map(({ address, topic }) => ({
      ...{ address, topics: [topic] },
      ...{ fromBlock: numberToHex(from), toBlock: numberToHex(to) },
    }));
  return { ranges, timers, asked, filters };
}

describe("logs by ranges of blocks", () => {
  it("asks a node once for a range, and gives each event what a node would give", async () => {
    const places = fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.constantFrom(...pairs)));
    await fc.assert(
      fc.asyncProperty(places, fc.integer({ min: 1, max: 39 }), async (drawn, cut) => {
        const logs = drawn.map(([block, pair], at) => log(block, at, pair));
        const { ranges, asked, filters } = setUp(logs);
        const wanted = [...filters(1, cut), ...filters(cut + 1, 40)];
        const found = await Promise.all(wanted.map((filter) => ranges.read(filter)));
        expect(found).to.deep.equal(wanted.map((filter) => naive(logs, filter)));
        expect(asked).to.have.length(2);
        ranges.stop();
      }),
    );
  });

  it("asks the node again for what was taken, and for filters of another kind", async () => {
    const logs = [log(5, 0, pairs[0]!), log(5, 1, pairs[7]!)];
    const { ranges, asked, filters } = setUp(logs);
    const [first] = filters(1, 9);
    await ranges.read(first);
    // Ponder takes logs twice only if the first ones did not fit the block.
    expect(await ranges.read(first)).to.deep.equal(naive(logs, first!));
    const other = { ...first!, address: `0x${"d".repeat(40)}` as const };
    const byHash = { address: contracts, blockHash: topics[0] };
    for (const filter of [other, { ...first!, topics: [] }, byHash]) await ranges.read(filter);
    expect(asked.slice(1)).to.deep.equal([first, other, { ...first!, topics: [] }, byHash]);
    ranges.stop();
  });

  it("tells each reader of a failure, and asks again when it is read again", async () => {
    let isDown = true;
    const logs = [log(5, 0, pairs[0]!)];
    const { ranges, asked, filters } = setUp(logs, () => {
      if (isDown) throw new EndpointFault("timeout", "It did not answer within 10000 ms.");
      return undefined;
    });
    const outcomes = await Promise.allSettled(filters(1, 9).map((filter) => ranges.read(filter)));
    expect(outcomes.map(({ status }) => status)).to.deep.equal(pairs.map(() => "rejected"));
    expect(asked).to.have.length(1);
    isDown = false;
    expect(await ranges.read(filters(1, 9)[0])).to.deep.equal(logs);
    ranges.stop();
  });

  it("begins anew for a reader that has taken nothing", async () => {
    const logs = [log(5, 0, pairs[0]!)];
    const { ranges, asked, filters } = setUp(logs);
    const wanted = filters(1, 9);
    for (const _ of ["Ponder", "the next Ponder"]) {
      const found = await Promise.all(wanted.map((filter) => ranges.read(filter)));
      expect(found.flat()).to.deep.equal(logs);
      ranges.forget();
    }
    expect(asked).to.have.length(2);
    ranges.stop();
  });

  it("believes no log that was not asked for", async () => {
    const stray = [
      { ...log(5, 0, pairs[0]!), address: `0x${"d".repeat(40)}` },
      log(10, 0, pairs[0]!),
      { ...log(5, 0, pairs[0]!), blockNumber: null },
      "log",
    ];
    for (const answer of [...stray.map((each) => [each]), { length: 1 }, "[]", 7]) {
      const { ranges, filters } = setUp([], () => answer);
      const fault = await ranges.read(filters(1, 9)[0]).catch((error: unknown) => error);
      expect(fault).to.be.instanceOf(EndpointFault).with.property("kind", "malformed");
    }
  });

  it("asks the node again also for an event of which it has given no log", async () => {
    const logs = [log(5, 0, pairs[0]!)];
    const { ranges, asked, filters } = setUp(logs);
    const [, second] = filters(1, 9);
    expect(await ranges.read(second)).to.deep.equal([]);
    // The node was behind.
    logs.push(log(6, 0, pairs[1]!));
    expect(await ranges.read(second)).to.deep.equal(logs.slice(1));
    expect(asked).to.have.length(2);
    ranges.stop();
  });

  it("has a range that is not answered in time asked for in parts, down to few blocks", async () => {
    const logs = [log(5, 0, pairs[0]!)];
    const { ranges, timers, asked, filters } = setUp(logs, ({ fromBlock, toBlock }) => {
      if (Number(toBlock) - Number(fromBlock) < 100) return undefined;
      throw new EndpointFault("timeout", "It did not answer within 10000 ms.");
    });
    const wanted = filters(1, 500);
    const outcomes = await Promise.allSettled(wanted.map((filter) => ranges.read(filter)));
    // Ponder has given up by then, and asks again: it learns it at once.
    for (const filter of wanted)
      outcomes.push(...(await Promise.allSettled([ranges.read(filter)])));
    for (const outcome of outcomes) {
      expect(outcome).to.have.property("reason").that.is.instanceOf(LongRangeError);
    }
    expect(asked).to.have.length(1);
    expect(await ranges.read(filters(1, 50)[0])).to.deep.equal(logs);
    // Each range is tried again later.
    await timers.advance(60_000);
    await ranges.read(wanted[0]).catch(() => undefined);
    expect(asked).to.have.length(3);
    ranges.stop();

    const down = setUp(logs, () => {
      throw new EndpointFault("timeout", "It did not answer within 10000 ms.");
    });
    const fault = await down.ranges.read(filters(1, 9)[0]).catch((error: unknown) => error);
    expect(fault).to.be.instanceOf(EndpointFault);
    down.ranges.stop();
  });

  it("bounds logs by their size, also those that Ponder never takes", async () => {
    const stray = { ...log(5, 0, pairs[0]!), topics: [], data: "0".repeat(20_000_000) };
    const answer = ({ address, fromBlock }: Filter) =>
      typeof address === "string" ? [] : [{ ...stray, blockNumber: fromBlock }];
    const { ranges, asked, filters } = setUp([], answer);
    const firsts = [1, 11, 21, 31, 41].map((from) => filters(from, from + 9));
    // They come at the same moment, and each is too large for the rest: who waits gets its logs.
    const found = await Promise.all(firsts.map(([first]) => ranges.read(first)));
    expect(found).to.deep.equal(firsts.map(() => []));
    expect(asked).to.have.length(5);
    // Only two of the ranges are kept; the others are asked for event by event.
    for (const [, second] of firsts) await ranges.read(second);
    expect(asked.slice(5)).to.deep.equal(firsts.slice(2).map(([, second]) => second));
    ranges.stop();
  });

  it("keeps so many logs, and for a minute; beyond that it asks event by event", async () => {
    const data = "0".repeat(200);
    const many = Array.from({ length: 46_000 }, (_, at) => ({
      ...log(5, at, pairs[at % 2]!),
      data,
    }));
    const { ranges, timers, asked, filters } = setUp([...many, log(20, 0, pairs[0]!)]);
    const [first, second] = filters(1, 9);
    expect(await ranges.read(filters(1, 9)[2])).to.deep.equal([]);
    const [later, laterEvent] = filters(11, 29);
    await ranges.read(later);
    await ranges.read(laterEvent);
    expect(asked.slice(1)).to.deep.equal([later, laterEvent]);

    // Half of them are taken: there is room again.
    expect(await ranges.read(first)).to.have.length(23_000);
    await ranges.read(later);
    await ranges.read(laterEvent);
    expect(asked).to.have.length(4);
    expect(asked[3]?.topics).to.equal(undefined);

    await timers.advance(60_000);
    expect(await ranges.read(second)).to.have.length(23_000);
    expect(asked).to.have.length(5);
    // What was kept and not taken is not counted for ever.
    await timers.advance(60_000);
    await ranges.read(later);
    await ranges.read(laterEvent);
    expect(asked).to.have.length(6);
    ranges.stop();
  });
});
