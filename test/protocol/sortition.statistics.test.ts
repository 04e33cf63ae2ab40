import { expect } from "chai";
import { bytesToHex, concatBytes, hexToBytes, keccak, word } from "../../src/protocol/bytes.ts";
import { drawKey, drawnWeight, expectedWeight } from "../../src/protocol/sortition.ts";
import type { Hex } from "viem";

const SEED: Hex = `0x${"b10c".repeat(16)}`;
const K = 7;
const SIGMAS = 4;

interface Sample {
  /** Total weight of each (epoch, shard), in order. */
  totals: number[];
  /** Total weight of each auditor. */
  byAuditor: number[];
  /** Variance of one shard's total, from the stakes: each draw is a whole number plus a Bernoulli. */
  variance: number;
}

/** Draws all auditors over `shards` shards in each of `epochs` epochs. */
function draw(stakes: readonly bigint[], epochs: number, shards: number): Sample {
  const total = stakes.reduce((sum, stake) => sum + stake, 0n);
  const totals = Array<number>(epochs * shards).fill(0);
  const byAuditor = stakes.map(() => 0);
  let variance = 0;
  stakes.forEach((stake, i) => {
    const expected = expectedWeight(stake, total);
    const fraction = Number(expected & ((1n << 64n) - 1n)) / 2 ** 64;
    variance += fraction * (1 - fraction);
    for (let epoch = 0; epoch < epochs; epoch++) {
      const seed = hashOf("seed", epoch);
      const y = drawKey(seed, hashOf(`secret ${i}`, epoch), `0x${hashOf("auditor", i).slice(26)}`);
      for (let shard = 0; shard < shards; shard++) {
        const weight = drawnWeight(y, shard, expected);
        byAuditor[i] = (byAuditor[i] ?? 0) + weight;
        totals[epoch * shards + shard] = (totals[epoch * shards + shard] ?? 0) + weight;
      }
    }
  });
  return { totals, byAuditor, variance };
}

function hashOf(what: string, index: number): Hex {
  return bytesToHex(
    keccak(concatBytes(hexToBytes(SEED), new TextEncoder().encode(what), word(index))),
  );
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function varianceOf(values: readonly number[]): number {
  const middle = mean(values);
  return mean(values.map((value) => (value - middle) ** 2));
}

function share(values: readonly number[], test: (value: number) => boolean): number {
  return values.filter(test).length / values.length;
}

/** Checks a figure. chai's `closeTo` takes whole numbers only once Hardhat's matchers are loaded. */
function expectNear(actual: number, theory: number, tolerance: number, what: string) {
  if (Math.abs(actual - theory) <= tolerance) return;
  expect.fail(`${what}: ${actual} is not within ${tolerance} of ${theory}`);
}

/** Checks a mean of `count` independent values against the theory. */
function expectWithin(
  actual: number,
  theory: number,
  variance: number,
  count: number,
  what: string,
) {
  expectNear(actual, theory, SIGMAS * Math.sqrt(variance / count), what);
}

/** Chance that of `n` identities, each drawn with `K / n`, exactly `k` are drawn. */
function binomial(n: number, k: number): number {
  const p = K / n;
  let chance = (1 - p) ** n;
  for (let i = 0; i < k; i++) chance *= ((n - i) / (i + 1)) * (p / (1 - p));
  return chance;
}

function cumulative(n: number, upTo: number): number {
  let sum = 0;
  for (let k = 0; k <= upTo; k++) sum += binomial(n, k);
  return sum;
}

describe(`sortition over many shards (seed ${SEED.slice(0, 10)}...)`, () => {
  it("draws weight K in each shard, each auditor in proportion to its stake", () => {
    // From 0.1% of all stake to a third.
    const stakes = [1n, 5n, 10n, 20n, 40n, 80n, 100n, 150n, 250n, 328n].map((x) => x * 10n ** 21n);
    const epochs = 10;
    const shards = 1500;
    const sample = draw(stakes, epochs, shards);
    const count = epochs * shards;
    expectWithin(mean(sample.totals), K, sample.variance, count, "weight of a shard");
    const all = stakes.reduce((sum, stake) => sum + stake, 0n);
    stakes.forEach((stake, i) => {
      const x = (K * Number(stake)) / Number(all);
      const fraction = x % 1;
      const drawn = (sample.byAuditor[i] ?? 0) / count;
      expectWithin(drawn, x, fraction * (1 - fraction), count, `auditor ${i}`);
    });
    // Epochs differ: no auditor keeps its shards.
    const epochTotals = Array.from({ length: epochs }, (_, e) =>
      sample.totals.slice(e * shards, (e + 1) * shards).join(),
    );
    expect(new Set(epochTotals).size).to.equal(epochs);
  });

  it("changes no mean when a stake is split over identities, only the variance", () => {
    const rest = [400n, 267n];
    const whole = draw([333n, ...rest], 4, 1000);
    const split = draw([...Array<bigint>(37).fill(9n), ...rest], 4, 1000);
    const drawn = split.byAuditor.slice(0, 37).reduce((sum, weight) => sum + weight, 0) / 4000;
    const x = K * 0.333;
    const part = x / 37;
    const fraction = x % 1;
    const asOne = (whole.byAuditor[0] ?? 0) / 4000;
    expectWithin(asOne, x, fraction * (1 - fraction), 4000, "one identity");
    expectWithin(drawn, x, 37 * part * (1 - part), 4000, "37 identities");
    expectWithin(mean(split.totals), K, split.variance, 4000, "weight of a shard");
    // The sampled variance strays by about sqrt(2 / 4000), 2.2%.
    for (const { totals, variance } of [whole, split]) {
      expectNear(varianceOf(totals), variance, SIGMAS * 0.022 * variance, "variance");
    }
    expect(split.variance > 2 * whole.variance, "more variance").to.equal(true);
  });

  it("passes weight 15 in about 0.24% of shards and misses the quorum in about 3%, finely split", () => {
    // The figures of the design are those of infinitely many identities.
    expectNear(1 - cumulative(100_000, 15), 0.0024, 0.0001, "over 15");
    expectNear(cumulative(100_000, 2), 0.03, 0.001, "under 3");

    const n = 200;
    const { totals } = draw(Array<bigint>(n).fill(5_000n), 5, 700);
    const checks: [string, number, (total: number) => boolean][] = [
      ["over 15", 1 - cumulative(n, 15), (total) => total > 15],
      ["over 10", 1 - cumulative(n, 10), (total) => total > 10],
      ["under 3", cumulative(n, 2), (total) => total < 3],
    ];
    for (const [what, chance, test] of checks) {
      expectWithin(share(totals, test), chance, chance * (1 - chance), totals.length, what);
    }
    expect(
      share(totals, (total) => total > 15),
      "some shard passes 15",
    ).to.be.above(0);
  });
});
