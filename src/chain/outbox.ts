import { keccak256, type Hex, type LocalAccount, type TransactionReceipt } from "viem";
import type { Logger } from "../node/logger.ts";
import type { Timers } from "../node/timers.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import type { Broadcast, Reception } from "./broadcast.ts";
import type { ChainClient } from "./client.ts";
import { priceOf, replacementFees, type FeePolicy, type Fees, type Market } from "./fees.ts";
import { Flight, type Payload } from "./flight.ts";

/** Blocks that a transaction may wait before it is replaced by one that pays more. */
const PATIENT_BLOCKS = 3n;
/** Blocks after which a used nonce without a receipt of ours was used by somebody else. */
const LOST_BLOCKS = 2n;
/** How often the pool is asked whether it still has a transaction, milliseconds. */
const SEE_TO_MS = 2_000;
/** Mined transactions that are remembered, in case that a reorganisation takes them back. */
const REMEMBERED = 16;
/** Bids for a nonce that a transaction of before a restart holds. */
const MAX_BIDS = 24;
/** Gas of a transaction that does nothing. */
const EMPTY_GAS = 21_000n;

/** The newest block, as far as sending needs it. */
export interface Tip {
  number: bigint;
  /** Unix seconds. */
  timestamp: number;
  baseFee: bigint;
}

/** Why nothing was handed out: `expensive`, above the limit; `held`: the nonce cannot be had at a price
 * within the limit; `spent`: the nonce was used meanwhile, so that the call must be looked at again. */
export type Hindrance = "expensive" | "held" | "spent";

export interface OutboxDependencies {
  account: LocalAccount;
  client: ChainClient;
  broadcast: Pick<Broadcast, "send">;
  timers: Pick<Timers, "monotonic">;
  log: Logger;
}

/**
 * The nonces of one key. What the chain says counts: a new call takes the chain's next nonce, so that
 * whatever waits there from before a restart is replaced and a gap is filled. Nothing is kept on disk:
 * callers decide by the state of contracts what is to be sent, and of two transactions of one nonce only
 * one is ever mined.
 */
export class Outbox {
  readonly #policy: FeePolicy;
  readonly #chainId: number;
  readonly #d: OutboxDependencies;
  readonly #flights = new Map<number, Flight>();
  #landed: Flight[] = [];
  #turn: Promise<unknown> = Promise.resolve();
  #tending: Promise<Tip> | undefined;
  #gap: { nonce: number; since: number } | undefined;

  constructor(options: { fees: FeePolicy; chainId: number }, dependencies: OutboxDependencies) {
    this.#policy = options.fees;
    this.#chainId = options.chainId;
    this.#d = dependencies;
  }

  /**
   * Hands out a call with the next nonce.
   *
   * @param looked The chain's next nonce when it was decided what to send; `spent` where it has moved on.
   * @throws BlockcloudError `TRANSACTION_FAILED` when nodes refuse it.
   */
  launch(payload: Payload, urgent: boolean, looked: number): Promise<Flight | Hindrance> {
    return this.#alone(async () => {
      const tip = await this.tip();
      const market = await this.market(tip);
      const count = await this.count();
      if (count > looked) return "spent";
      for (const [nonce, flight] of this.#flights) {
        if (nonce < count && !flight.isWanted) this.#flights.delete(nonce);
      }
      const first = priceOf(market, this.#policy, urgent);
      if (first === undefined) return "expensive";
      // One that nobody waits for gives up its nonce, rather than that the call waits behind it.
      const given = this.#inOrder().find(({ isWanted }) => !isWanted);
      const nonce = given?.nonce ?? (await this.#nextNonce(count));
      const flight = new Flight(nonce, payload, urgent);
      let fees = given ? replacementFees(given.fees, market, this.#policy, urgent) : first;
      for (let bid = 0; fees !== undefined && bid < MAX_BIDS; bid++) {
        const reception = await this.#handOut(flight, fees, tip);
        if (reception.kind === "spent") {
          this.#flights.delete(nonce);
          return "spent";
        }
        if (reception.kind === "refused") throw refused(payload, reception.reason);
        if (reception.kind !== "underpriced") {
          this.#flights.set(nonce, flight);
          return flight;
        }
        fees = replacementFees(fees, market, this.#policy, urgent);
      }
      return "held";
    });
  }

  /** Looks at everything under way once: what was mined, what is to be replaced or handed out again. */
  tend(): Promise<Tip> {
    this.#tending ??= this.#alone(() => this.#tendOnce()).finally(() => {
      this.#tending = undefined;
    });
    return this.#tending;
  }

  /** The newest block. */
  async tip(): Promise<Tip> {
    const { number, timestamp, baseFeePerGas } = await this.#d.client.getBlock();
    return { number, timestamp: Number(timestamp), baseFee: baseFeePerGas ?? 0n };
  }

  /** What gas costs by a block. */
  async market(tip: Tip): Promise<Market> {
    return { baseFee: tip.baseFee, tip: await this.#d.client.estimateMaxPriorityFeePerGas() };
  }

  async #tendOnce(): Promise<Tip> {
    const [tip, count] = await Promise.all([this.tip(), this.count()]);
    for (const flight of this.#inOrder()) {
      if (flight.nonce < count) await this.#land(flight, tip);
      else if (this.#isNeeded(flight)) await this.#push(flight, tip, count);
    }
    await this.#closeGap(tip, count);
    return tip;
  }

  /** Finds which of a nonce's transactions was mined. */
  async #land(flight: Flight, tip: Tip): Promise<void> {
    const receipt = await this.#receipt(flight);
    if (receipt !== undefined) {
      flight.outcome = receipt;
      this.#flights.delete(flight.nonce);
      this.#landed = [...this.#landed, flight].slice(-REMEMBERED);
      return;
    }
    // The endpoint that counts may be ahead of the one that knows receipts.
    flight.lostAt ??= tip.number;
    if (tip.number < flight.lostAt + LOST_BLOCKS) return;
    this.#flights.delete(flight.nonce);
    flight.outcome = new BlockcloudError(
      "TRANSACTION_REPLACED",
      `Another transaction took nonce ${flight.nonce} of ${flight.payload.name}.`,
      { retryable: true, remedy: "Let no other program use the key." },
    );
  }

  /** Replaces what is stuck, and hands out again what the pool has lost. */
  async #push(flight: Flight, tip: Tip, count: number): Promise<void> {
    flight.lostAt = undefined;
    const isUnderpriced = flight.newest.fees.maxFeePerGas < tip.baseFee;
    const isSlow = flight.nonce === count && tip.number >= flight.sentAt + PATIENT_BLOCKS;
    const isStuck = tip.number > flight.sentAt && (isUnderpriced || isSlow);
    if (isStuck && (await this.#replace(flight, tip))) return;
    const now = this.#d.timers.monotonic();
    if (now < flight.seenTo + SEE_TO_MS) return;
    flight.seenTo = now;
    const { hash, raw } = flight.newest;
    if (await this.#isInPool(hash)) return;
    const { kind } = await this.#d.broadcast.send(raw);
    this.#d.log.debug("transaction handed out again", { ...about(flight), kind });
  }

  /** Whether the limit allowed it. */
  async #replace(flight: Flight, tip: Tip): Promise<boolean> {
    const urgent = this.#isUrgent(flight);
    const fees = replacementFees(flight.fees, await this.market(tip), this.#policy, urgent);
    if (fees === undefined) {
      if (!flight.wasHeldUp)
        this.#d.log.warn("the fee limit holds up a transaction", about(flight));
      flight.wasHeldUp = true;
      return false;
    }
    const reception = await this.#handOut(flight, fees, tip);
    const isOut = reception.kind === "accepted" || reception.kind === "doubtful";
    const message = isOut
      ? "transaction replaced by one that pays more"
      : "a replacement was not taken";
    this.#d.log.warn(message, { ...about(flight), ...reception });
    return true;
  }

  /** A nonce below ours that nothing waits for: dropped by all pools, or taken back by the chain. */
  async #closeGap(tip: Tip, count: number): Promise<void> {
    const lowest = this.#inOrder().find(({ nonce }) => nonce >= count);
    if (lowest === undefined || lowest.nonce === count || !this.#isNeeded(lowest)) {
      this.#gap = undefined;
      return;
    }
    const now = this.#d.timers.monotonic();
    if (this.#gap?.nonce !== count) this.#gap = { nonce: count, since: now };
    // A lagging endpoint shows gaps that are none.
    if (now < this.#gap.since + SEE_TO_MS) return;
    const known = this.#landed.find(({ nonce }) => nonce === count);
    const { address } = this.#d.account;
    const empty: Payload = { name: "nothing", to: address, data: "0x", gas: EMPTY_GAS };
    const flight = known ?? new Flight(count, empty, lowest.urgent);
    flight.isWanted = false;
    const fees = priceOf(await this.market(tip), this.#policy, this.#isUrgent(lowest));
    if (known) await this.#d.broadcast.send(known.newest.raw);
    else if (fees !== undefined) await this.#handOut(flight, fees, tip);
    // Above the limit, or refused: it is tried again the next time.
    if (flight.signed.length === 0) return;
    this.#flights.set(count, flight);
    this.#d.log.warn("a gap before a transaction was filled", about(flight));
  }

  /** Signs and hands out; whatever a node may have taken is remembered. */
  async #handOut(flight: Flight, fees: Fees, tip: Tip): Promise<Reception> {
    const { name: _, ...payload } = flight.payload;
    const raw = await this.#d.account.signTransaction({
      ...payload,
      ...fees,
      type: "eip1559",
      chainId: this.#chainId,
      nonce: flight.nonce,
    });
    const reception = await this.#d.broadcast.send(raw);
    flight.seenTo = this.#d.timers.monotonic();
    flight.refusedFees = reception.kind === "underpriced" ? fees : undefined;
    if (reception.kind === "accepted" || reception.kind === "doubtful") {
      flight.signed.push({ hash: keccak256(raw), raw, fees });
      flight.sentAt = tip.number;
    }
    return reception;
  }

  /** The chain's next nonce, unless the endpoint has not heard yet of what was mined. */
  async #nextNonce(count: number): Promise<number> {
    const last = this.#landed.at(-1);
    let next = count;
    if (last !== undefined && count <= last.nonce) {
      if ((await this.#receipt(last)) !== undefined) next = last.nonce + 1;
      else {
        this.#d.log.warn("a transaction that was mined is no more", about(last));
        this.#landed = [];
      }
    }
    while (this.#flights.has(next)) next += 1;
    return next;
  }

  /** Whether the node knows of a transaction of this key that waits for its block. */
  async isWaiting(count: number): Promise<boolean> {
    const { address } = this.#d.account;
    return (await this.#d.client.getTransactionCount({ address, blockTag: "pending" })) > count;
  }

  /** The chain's next nonce. */
  count(): Promise<number> {
    return this.#d.client.getTransactionCount({ address: this.#d.account.address });
  }

  async #receipt({ signed }: Flight): Promise<TransactionReceipt | undefined> {
    for (const { hash } of signed.toReversed()) {
      const receipt = await orNothing(
        this.#d.client.getTransactionReceipt({ hash }),
        "TransactionReceiptNotFoundError",
      );
      if (receipt !== undefined) return receipt;
    }
    return undefined;
  }

  async #isInPool(hash: Hex): Promise<boolean> {
    const found = this.#d.client.getTransaction({ hash });
    return (await orNothing(found, "TransactionNotFoundError")) !== undefined;
  }

  #inOrder(): Flight[] {
    return [...this.#flights.values()].sort((a, b) => a.nonce - b.nonce);
  }

  /** Whether somebody waits for it or for one behind it. */
  #isNeeded({ nonce }: Flight): boolean {
    return this.#inOrder().some((each) => each.nonce >= nonce && each.isWanted);
  }

  #isUrgent({ nonce }: Flight): boolean {
    return this.#inOrder().some((each) => each.nonce >= nonce && each.isWanted && each.urgent);
  }

  /** One at a time: nonces never race. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    // The next must not fail for this one's error, which its own caller gets.
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

function about({ nonce, payload, signed }: Flight): object {
  return { functionName: payload.name, nonce, hash: signed.at(-1)?.hash };
}

function refused({ name }: Payload, reason: string): BlockcloudError {
  return new BlockcloudError("TRANSACTION_FAILED", `${name} was not sent: ${reason}`, {
    retryable: true,
    remedy: "Check the key's balance and the RPC endpoint.",
  });
}

/** viem throws where a node says that there is nothing. */
async function orNothing<T>(found: Promise<T>, absence: string): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (error instanceof Error && error.name === absence) return undefined;
    throw error;
  }
}
