import { decodeEventLog, encodeEventTopics, encodeFunctionData, hexToBytes, type Hex } from "viem";
import { batches } from "../../src/auditor/earnDuty.ts";
import { Seeds } from "../../src/chain/seeds.ts";
import { proofOfServiceAbi } from "../../src/protocol/abi/proofOfService.ts";
import type { BenchChain, Mined } from "../chain.ts";
import type { BenchAuditor, BenchRound, Fleet, RoundKind } from "../fleet.ts";

/**
 * How an auditor's calls of an epoch travel. `worker` is what `src/auditor` sends: the commitment alone,
 * and the last epoch's reveal with the one before's claim in a batch. `oneTransaction` puts all three into
 * one batch.
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

/** What a call of a round cost, with its share of its transaction's own cost. */
export interface Charge {
  kind: Part["kind"];
  /** The audited epoch. */
  epoch: number;
  auditor: BenchAuditor;
  gas: number;
  /** Of its transaction: 1 over the calls in it. */
  share: number;
}

/** What was sent in an epoch. */
export interface Played {
  tick: Mined;
  /** By pattern; those of `worker` stand, the others were undone. */
  charges: Record<Pattern, Charge[]>;
  /** All transactions that stand, in order. */
  transactions: Mined[];
}

const CALL_FAILED = encodeEventTopics({ abi: proofOfServiceAbi, eventName: "CallFailed" })[0];

/** Audited epochs one after the other: every auditor commits, reveals and claims. */
export class Season {
  readonly #chain: BenchChain;
  readonly #fleet: Fleet;
  readonly #seeds: Seeds;
  readonly #everyEpoch: (() => Promise<void> | undefined) | undefined;
  readonly #seed = new Map<number, Hex>();
  readonly #rounds = new Map<number, Map<BenchAuditor, BenchRound>>();

  /** @param everyEpoch What somebody else does in each epoch. */
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

  /** Makes the rounds of an epoch whose seed is proven. */
  async makeRounds(epoch: number, kind: RoundKind): Promise<void> {
    const made = new Map<BenchAuditor, BenchRound>();
    const seed = this.#seedOf(epoch);
    for (const auditor of this.#fleet.auditors) {
      made.set(auditor, await this.#fleet.round(auditor, epoch, seed, kind));
    }
    this.#rounds.set(epoch, made);
  }

  /**
   * Plays an epoch: tick, commitments to rounds of a kind, reveals of the epoch before, claims of the one
   * before that.
   *
   * @param measured Whether to find out what each call cost; else only its transactions are.
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

  /** The calls that reveal a round, one a chunk. */
  reveal(auditor: BenchAuditor, epoch: number): Part[] {
    const { chunks } = this.#roundOf(auditor, epoch).opened;
    return chunks.map((chunk) => part("reveal", epoch, chunk.words.length, [chunk]));
  }

  /** The calls that claim a round, one a chunk, by the seed of the epoch after the next. */
  claim(auditor: BenchAuditor, epoch: number): Part[] {
    const { opened } = this.#roundOf(auditor, epoch);
    return opened.chunks.map((chunk) => {
      const samples = opened.samples(chunk.index, this.#seedOf(epoch + 2));
      return part("claim", epoch, chunk.words.length, [chunk, epoch + 2, samples]);
    });
  }

  /** What the worker batches in an epoch: reveals first. */
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
   * What each call of a batch cost: its own frame and its own calldata. The rest (the transaction's base,
   * decoding the batch) falls to all of them alike.
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
  // The encoder's types follow the function's name, which is one of three here.
  const call = { abi: proofOfServiceAbi, functionName: kind, args } as never;
  return { kind, epoch, words, args, data: encodeFunctionData(call) };
}

/** Gas of bytes of calldata (EIP-2028). */
function calldataGas(data: Hex): number {
  return hexToBytes(data).reduce((sum, byte) => sum + (byte === 0 ? 4 : 16), 0);
}
