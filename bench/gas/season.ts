import { decodeEventLog, encodeEventTopics, encodeFunctionData, hexToBytes, type Hex } from "viem";
import { batches } from "../../src/auditor/batches.ts";
import { Seeds } from "../../src/chain/seeds.ts";
import { proofOfServiceAbi } from "../../src/protocol/abi/proofOfService.ts";
import type { BenchChain, Mined } from "../chain.ts";
import type { BenchAuditor, BenchRound, Fleet, RoundKind } from "../fleet.ts";

/**
 * The pattern of an auditor's transactions in an epoch. `worker` is that of `src/auditor`: the commitment alone, and a
 * batch with the reveal of the previous epoch and the claim of the one before. `oneTransaction` has all three in one
 * batch.
 */
export const patterns = ["worker", "oneTransaction"] as const;
export type Pattern = (typeof patterns)[number];

/** A call of a round, in a batch or alone. */
export interface Part {
  kind: "commit" | "reveal" | "claim";
  /** The audited epoch. */
  epoch: number;
  words: number;
  args: readonly unknown[];
  data: Hex;
}

/** The gas of a call of a round, with its share of the transaction's base cost. */
export interface Charge {
  kind: Part["kind"];
  /** The audited epoch. */
  epoch: number;
  auditor: BenchAuditor;
  gas: number;
  /** Share of its transaction: 1 divided by the number of calls. */
  share: number;
}

/** The transactions of an epoch. */
export interface Played {
  tick: Mined;
  /** By pattern; those of `worker` stay on chain, the others were reverted. */
  charges: Record<Pattern, Charge[]>;
  /** All transactions on chain, in order. */
  transactions: Mined[];
}

const CALL_FAILED = encodeEventTopics({ abi: proofOfServiceAbi, eventName: "CallFailed" })[0];

/** Consecutive audited epochs: every auditor commits, reveals and claims. */
export class Season {
  readonly #chain: BenchChain;
  readonly #fleet: Fleet;
  readonly #seeds: Seeds;
  readonly #everyEpoch: (() => Promise<void> | undefined) | undefined;
  readonly #seed = new Map<number, Hex>();
  readonly #rounds = new Map<number, Map<BenchAuditor, BenchRound>>();

  /** @param everyEpoch An additional action in each epoch. */
  constructor(chain: BenchChain, fleet: Fleet, everyEpoch?: () => Promise<void> | undefined) {
    this.#chain = chain;
    this.#fleet = fleet;
    this.#everyEpoch = everyEpoch;
    this.#seeds = new Seeds(chain.client, chain.deployment);
  }

  /** The rounds of an epoch. */
  rounds(epoch: number): ReadonlyMap<BenchAuditor, BenchRound> {
    return this.#rounds.get(epoch) ?? new Map<BenchAuditor, BenchRound>();
  }

  /** Enters an epoch and returns the headers that prove its seed. */
  async enter(epoch: number): Promise<[first: Hex, parent: Hex]> {
    await this.#chain.enter(epoch);
    await this.#everyEpoch?.();
    const { number } = await this.#chain.client.getBlock();
    const proof = await this.#seeds.prove(epoch, { number });
    this.#seed.set(epoch, proof.seed);
    return [proof.firstHeader, proof.parentHeader];
  }

  /** Enters an epoch, proves its seed and makes its rounds. */
  async begin(epoch: number, kind: RoundKind): Promise<Mined> {
    const args = await this.enter(epoch);
    const call = { contract: "proofOfService", functionName: "tick", args } as const;
    const tick = await this.#chain.send({ from: this.#fleet.keeper, ...call });
    await this.makeRounds(epoch, kind);
    return tick;
  }

  /** Makes the rounds of an epoch with a proven seed. */
  async makeRounds(epoch: number, kind: RoundKind): Promise<void> {
    const made = new Map<BenchAuditor, BenchRound>();
    const seed = this.#seedOf(epoch);
    for (const auditor of this.#fleet.auditors) {
      made.set(auditor, await this.#fleet.round(auditor, epoch, seed, kind));
    }
    this.#rounds.set(epoch, made);
  }

  /**
   * Simulates an epoch: tick, commitments to rounds of a kind, reveals of the previous epoch, claims of the one
   * before.
   *
   * @param measured Whether to measure each call; else only the transactions.
   */
  async play(epoch: number, kind: RoundKind, measured: boolean): Promise<Played> {
    const tick = await this.begin(epoch, kind);
    const charges: Played["charges"] = { worker: [], oneTransaction: [] };
    if (measured) {
      await this.#chain.undoing(async () => {
        for (const auditor of this.#fleet.auditors) {
          const all = [this.commit(auditor, epoch), ...this.#earn(auditor, epoch)];
          for (const batch of batches(all)) {
            charges.oneTransaction.push(...(await this.#charge(auditor, batch)));
          }
        }
      });
    }
    const transactions = [tick];
    for (const auditor of this.#fleet.auditors) {
      for (const batch of batches(this.#earn(auditor, epoch))) {
        const mined = await this.#send(auditor, batch);
        transactions.push(mined);
        if (measured) charges.worker.push(...(await this.#split(auditor, batch, mined)));
      }
    }
    for (const auditor of this.#fleet.auditors) {
      const commit = this.commit(auditor, epoch);
      const mined = await this.#chain.send({
        from: auditor.operator,
        contract: "proofOfService",
        functionName: "commit",
        args: commit.args,
      });
      transactions.push(mined);
      charges.worker.push({ kind: "commit", epoch, auditor, gas: mined.gas, share: 1 });
    }
    this.#rounds.delete(epoch - 3);
    return { tick, charges, transactions };
  }

  /** The call that commits to a round. */
  commit(auditor: BenchAuditor, epoch: number): Part {
    return part("commit", epoch, 0, [
      auditor.owner,
      epoch,
      this.#roundOf(auditor, epoch).opened.commitment,
    ]);
  }

  /** The calls that reveal a round, one per chunk. */
  reveal(auditor: BenchAuditor, epoch: number): Part[] {
    const { chunks } = this.#roundOf(auditor, epoch).opened;
    return chunks.map((chunk) => part("reveal", epoch, chunk.words.length, [chunk]));
  }

  /** The calls that claim a round, one per chunk, with the seed of the second epoch after it. */
  claim(auditor: BenchAuditor, epoch: number): Part[] {
    const { opened } = this.#roundOf(auditor, epoch);
    return opened.chunks.map((chunk) => {
      const samples = opened.samples(chunk.index, this.#seedOf(epoch + 2));
      return part("claim", epoch, chunk.words.length, [chunk, epoch + 2, samples]);
    });
  }

  /** The worker's batch of an epoch: reveals first. */
  #earn(auditor: BenchAuditor, epoch: number): Part[] {
    return [
      ...(this.#rounds.has(epoch - 1) ? this.reveal(auditor, epoch - 1) : []),
      ...(this.#rounds.has(epoch - 2) ? this.claim(auditor, epoch - 2) : []),
    ];
  }

  async #charge(auditor: BenchAuditor, batch: readonly Part[]): Promise<Charge[]> {
    return this.#split(auditor, batch, await this.#send(auditor, batch));
  }

  async #send(auditor: BenchAuditor, batch: readonly Part[]): Promise<Mined> {
    const mined = await this.#chain.send({
      from: auditor.operator,
      contract: "proofOfService",
      functionName: "tryMulticall",
      args: [batch.map(({ data }) => data)],
    });
    const failed = mined.logs.find(({ topics }) => topics[0] === CALL_FAILED);
    if (failed !== undefined) {
      const { args } = decodeEventLog({
        abi: proofOfServiceAbi,
        eventName: "CallFailed",
        ...failed,
      });
      const { kind, epoch } = batch[Number(args.index)] ?? {};
      throw new Error(`${kind ?? "a call"} of epoch ${epoch ?? "?"} failed: ${args.reason}`);
    }
    return mined;
  }

  /**
   * The gas of each call of a batch: its own frame and its own calldata. The rest (the transaction's base,
   * decoding of the batch) is divided equally.
   */
  async #split(auditor: BenchAuditor, batch: readonly Part[], mined: Mined): Promise<Charge[]> {
    const { calls = [] } = await this.#chain.calls(mined.hash);
    const own = batch.map(({ data }, index) => {
      return Number(calls[index]?.gasUsed ?? 0) + calldataGas(data);
    });
    const rest = mined.gas - own.reduce((sum, gas) => sum + gas, 0);
    return batch.map(({ kind, epoch }, index) => ({
      kind,
      epoch,
      auditor,
      gas: (own[index] ?? 0) + rest / batch.length,
      share: 1 / batch.length,
    }));
  }

  #roundOf(auditor: BenchAuditor, epoch: number): BenchRound {
    const round = this.#rounds.get(epoch)?.get(auditor);
    if (round === undefined) throw new Error(`There is no round of epoch ${epoch}.`);
    return round;
  }

  #seedOf(epoch: number): Hex {
    const seed = this.#seed.get(epoch);
    if (seed === undefined) throw new Error(`Epoch ${epoch} has no seed.`);
    return seed;
  }
}

function part(kind: Part["kind"], epoch: number, words: number, args: readonly unknown[]): Part {
  // The encoder's types depend on the function's name, which is one of three here.
  const call = { abi: proofOfServiceAbi, functionName: kind, args } as never;
  return { kind, epoch, words, args, data: encodeFunctionData(call) };
}

/** Gas of bytes of calldata (EIP-2028). */
function calldataGas(data: Hex): number {
  return hexToBytes(data).reduce((sum, byte) => sum + (byte === 0 ? 4 : 16), 0);
}
