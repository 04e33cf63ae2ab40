import { hexToString } from "viem";
import { epochStart } from "@protocol/epoch.ts";
import type { Grade, Verdict } from "@protocol/tally.ts";
import type { Sources } from "../context.tsx";
import { className } from "../foreign.ts";
import type { ServiceClass } from "../model.ts";
import type { Head } from "./head.ts";
import { blockAt } from "./logs.ts";
import { Memory } from "./memory.ts";

/** Reads that several pages share, with what does not change remembered. */
export class Reader {
  readonly #sources: Sources;
  readonly #classes = new Memory<ServiceClass>();
  readonly #verdicts = new Memory<Verdict>();
  readonly #blocks = new Memory<bigint>();

  constructor(sources: Sources) {
    this.#sources = sources;
  }

  /** A class; whether it is open may change, and is read again when the page is loaded again. */
  classAt(classId: number): Promise<ServiceClass> {
    const { client, contracts } = this.#sources;
    return this.#classes.get(String(classId), async () => {
      const read = await client.readContract({
        ...contracts.registry,
        functionName: "classAt",
        args: [classId],
      });
      const { minimumStake, maximumStake, registrationFee, open, excellentMs, goodMs, poorMs } =
        read;
      const name = className(hexToString(read.name, { size: 32 }));
      return {
        classId,
        name,
        minimumStake,
        maximumStake,
        registrationFee,
        open,
        excellentMs,
        goodMs,
        poorMs,
      };
    });
  }

  /** The verdict of a final epoch: one before the previous. */
  finalVerdict(number: bigint, epoch: number): Promise<Verdict> {
    const { client, contracts } = this.#sources;
    return this.#verdicts.get(`${number}/${epoch}`, async () => {
      const [grade, isQuorate] = await client.readContract({
        ...contracts.settlement,
        functionName: "verdictOf",
        args: [number, epoch],
      });
      return isQuorate ? (grade as Grade) : null;
    });
  }

  /** A block at or a little before a time of the past: the time is rounded down to ten minutes. */
  blockBefore(seconds: number, head: Head): Promise<bigint> {
    const { client, config } = this.#sources;
    const { block, genesis } = config.deployment;
    const range = { from: BigInt(block), to: head.number };
    const rounded = Math.floor(seconds / 600) * 600;
    if (rounded <= genesis) return Promise.resolve(range.from);
    return this.#blocks.get(`at ${rounded}`, () => blockAt(client, rounded, range));
  }

  /** The first block of an epoch that has begun. */
  firstBlock(epoch: number, head: Head): Promise<bigint> {
    const { client, config } = this.#sources;
    const range = { from: BigInt(config.deployment.block), to: head.number };
    if (epoch <= 0) return Promise.resolve(range.from);
    return this.#blocks.get(String(epoch), () =>
      blockAt(client, epochStart(config.deployment, epoch), range),
    );
  }
}

const readers = new WeakMap<Sources, Reader>();

/** The reader of the page. */
export function readerOf(sources: Sources): Reader {
  const known = readers.get(sources) ?? new Reader(sources);
  readers.set(sources, known);
  return known;
}
