import { bytesToHex, type Hex } from "viem";
import type { Seeds } from "../../src/chain/seeds.ts";
import { AuditorStore, type SlotEvidence, type StoredRound } from "../../src/auditor/store.ts";
import { drawKey } from "../../src/protocol/sortition.ts";
import { reportWord, type Grade } from "../../src/protocol/tally.ts";
import { DEPLOYMENT, FakeChain, FakeSender } from "./fakeChain.ts";
import { FakeTime, FakeTimers } from "./fakeTime.ts";
import { MemoryLog } from "./memoryLog.ts";

export const AUDITOR = "0x5FbDB2315678afecb367f032d93F642f64180aa3";
/** What the rig proves as the seed of each epoch. */
export const SEED = hashOf(0x5e);
/** The epoch in which these tests begin. */
export const EPOCH = 50;

/** A hash that is easy to tell from others. */
export function hashOf(seed: number): Hex {
  return bytesToHex(new Uint8Array(32).fill(seed));
}

/** A receipt of a service whose slot is its number, as far as a round knows it. */
export function evidenceOf(number: bigint): SlotEvidence {
  const mark = Number(number);
  return {
    number,
    slot: mark,
    salt: hashOf(mark),
    channel: hashOf(mark + 1),
    issuedAt: 1_700_000_000_000n + number,
    signature: `0x${mark.toString(16).padStart(2, "0").repeat(65)}`,
  };
}

/** A round of one word a chunk: the same grade for service 1 of each chunk's shard. */
export function roundOf(epoch: number, chunks = 1, words = 1, grade: Grade = 3): StoredRound {
  return {
    epoch,
    secret: hashOf(epoch % 256),
    y: drawKey(SEED, hashOf(epoch % 256), AUDITOR),
    chunks: Array.from({ length: chunks }, (_, index) => ({
      index,
      base: index * words,
      words: Array.from({ length: words }, (_, offset) => reportWord(offset, [grade])),
    })),
    evidence: Array.from({ length: chunks * words }, (_, shard) =>
      evidenceOf(BigInt(shard) * 15n + 1n),
    ),
    votes: chunks * words,
  };
}

/** What a duty stands on, all of it fake but the store. */
export class AuditorRig {
  readonly timers = new FakeTimers();
  readonly time = new FakeTime(this.timers, DEPLOYMENT, EPOCH);
  readonly chain = new FakeChain();
  readonly sender = new FakeSender();
  readonly log = new MemoryLog();
  readonly store = new AuditorStore(":memory:");
  readonly abort = new AbortController();
  /** Seeds that the chain has recorded. */
  readonly recorded = new Map<number, Hex>();
  /** What is proven from headers. */
  seed = SEED;
  /** Epochs whose seed was proven from headers. */
  readonly proven: number[] = [];

  readonly seeds = {
    timestamp: async (block: bigint) =>
      this.time.timing.genesis + Number(block) * this.time.blockSeconds,
    firstBlock: async (epoch: number) => {
      const { genesis, epochSeconds } = DEPLOYMENT;
      return BigInt(
        Math.ceil(
          (genesis + epoch * epochSeconds - this.time.timing.genesis) / this.time.blockSeconds,
        ),
      );
    },
    recorded: async (epoch: number) => {
      const seed = this.recorded.get(epoch);
      return seed && { seed, previous: epoch - 1 };
    },
    prove: async (epoch: number) => {
      this.proven.push(epoch);
      const headers = { firstHeader: "0xf1", parentHeader: "0xf0" } as const;
      return { epoch, seed: this.seed, block: 1n, ...headers };
    },
  };

  /** The dependencies of every duty. */
  get dependencies() {
    return {
      client: this.chain.client,
      deployment: DEPLOYMENT,
      seeds: this.seeds as unknown as Seeds,
      store: this.store,
      sender: this.sender.asSender,
      time: this.time,
      timers: this.timers,
      log: this.log,
    };
  }

  /** Seconds into the epoch in which the test began. */
  get second(): number {
    return this.timers.monotonic() / 1000;
  }
}
