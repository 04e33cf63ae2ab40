import { expect } from "chai";
import type { ServiceReader, Services } from "../../src/chain/services.ts";
import { draw } from "../../src/auditor/draw.ts";
import { drawKey, drawnWeight, expectedWeight, placeOf } from "../../src/protocol/sortition.ts";
import { AUDITOR, EPOCH, hashOf } from "../support/auditorRig.ts";
import { BlockcloudError } from "../../src/protocol/errors.ts";
import { rejection } from "../support/rejection.ts";
import { DEPLOYMENT, FakeChain } from "../support/fakeChain.ts";

const input = { auditor: AUDITOR, epoch: EPOCH, seed: hashOf(1), secret: hashOf(2) } as const;

describe("draw", () => {
  let chain: FakeChain;
  let count: bigint;
  /** Services that are not active. */
  let idle: Set<bigint>;

  beforeEach(() => {
    chain = new FakeChain();
    count = 100n;
    idle = new Set();
    unread = new Set();
    unknown = new Set();
  });

  /** Services whose specification cannot be read. */
  let unread: Set<bigint>;
  /** Services whose specification is of a version of tomorrow. */
  let unknown: Set<bigint>;

  function run(stake: bigint, total: bigint, withoutUnread = false) {
    chain.answers.auditorStakeAt = (auditor: string, epoch: number) => {
      expect([auditor, epoch]).to.deep.equal([AUDITOR, EPOCH]);
      return stake;
    };
    chain.answers.totalsAt = () => [0n, count, total];
    const services = {
      slotCount: async () => Number(count),
      active: async (shard: number, _: number, read: ServiceReader) => {
        const numbers = Array.from({ length: 15 }, (_, lane) => BigInt(shard * 15 + lane + 1));
        const found = numbers.filter((number) => number <= count && !idle.has(number));
        return (await Promise.all(found.map(read))).filter((service) => service !== undefined);
      },
      audited: async (number: bigint) => {
        if (unknown.has(number)) throw new BlockcloudError("PROBE_VERSION", "Version 4.");
        if (!unread.has(number)) return { number, slot: Number(number) };
        throw new BlockcloudError("PROBE_MISSING", "It is gone.", { retryable: true });
      },
    } as unknown as Services;
    return draw(
      { ...input, withoutUnread },
      { client: chain.client, deployment: DEPLOYMENT, services },
    );
  }

  /** As {@link run}, of an auditor that has stake. */
  const drawn = async (...args: Parameters<typeof run>) =>
    (await run(...args)) ?? expect.fail("it did not draw");

  it("gives everything to an auditor that has a seventh of the stake", async () => {
    const { shards, y, epoch, secret } = await drawn(1n, 7n);
    expect({ epoch, secret }).to.deep.equal({ epoch: EPOCH, secret: input.secret });
    expect(y).to.equal(drawKey(input.seed, input.secret, AUDITOR));
    const numbers = shards.flatMap(({ services }) => services.map(({ number }) => number));
    expect(numbers).to.deep.equal(Array.from({ length: 100 }, (_, index) => BigInt(index + 1)));
    for (const { shard, services } of shards) {
      for (const { slot } of services) expect(placeOf(slot).shard).to.equal(shard);
    }
  });

  it("gives a smaller one the shards that the contract would give it, in order", async () => {
    count = 15n * 200n;
    const { shards, y } = await drawn(1n, 20n);
    const expected = Array.from({ length: 200 }, (_, shard) => shard).filter(
      (shard) => drawnWeight(y, shard, expectedWeight(1n, 20n)) > 0,
    );
    expect(shards.map(({ shard }) => shard)).to.deep.equal(expected);
    expect(expected.length).to.be.within(40, 100);
  });

  it("draws nothing without stake, and no shard without services", async () => {
    expect(await run(0n, 7n)).to.equal(undefined);
    expect(await run(0n, 0n)).to.equal(undefined);
    count = 0n;
    expect((await drawn(1n, 7n)).shards).to.deep.equal([]);
  });

  it("leaves out services that are not active, and shards that have none", async () => {
    idle = new Set([...Array.from({ length: 15 }, (_, lane) => BigInt(16 + lane)), 1n]);
    const { shards } = await drawn(1n, 7n);
    expect(shards.map(({ shard }) => shard)).to.deep.equal([0, 2, 3, 4, 5, 6]);
    expect(shards[0]?.services[0]?.number).to.equal(2n);
  });

  for (const [services, shards] of [
    [1n, 1],
    [15n, 1],
    [16n, 2],
  ] as const) {
    it(`looks at ${shards} shards of ${services} services`, async () => {
      count = services;
      expect((await drawn(1n, 7n)).shards).to.have.length(shards);
    });
  }

  it("waits for a service that cannot be read, and in the end draws the others without it", async () => {
    unread.add(17n);
    await rejection("PROBE_MISSING", run(1n, 7n));
    const { shards } = await drawn(1n, 7n, true);
    const numbers = shards.flatMap(({ services }) => services.map(({ number }) => Number(number)));
    expect(numbers).to.have.length(99).and.not.to.include(17);
  });

  it("leaves out at once a service whose specification is of a version of tomorrow", async () => {
    unknown.add(17n);
    const { shards } = await drawn(1n, 7n);
    const numbers = shards.flatMap(({ services }) => services.map(({ number }) => Number(number)));
    expect(numbers).to.have.length(99).and.not.to.include(17);
  });
});
