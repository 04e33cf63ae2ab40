import type { TransactionReceipt } from "viem";
import type { Logger } from "../../node/logger.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { priceOf, replacementFees, type FeePolicy, type Fees, type Market } from "./fees.ts";
import { Flight, type Payload } from "./flight.ts";
import { Pool, type PoolDependencies, type Tip } from "./pool.ts";

/** Number of blocks after which a pending transaction is replaced by one with a higher fee. */
const PATIENT_BLOCKS = 3n;
/**
 * Blocks and milliseconds after which a used nonce without a known transaction of this outbox counts as used by
 * another program. The wait is needed because nodes behind one address may have different blocks.
 */
const LOST = { blocks: 3n, milliseconds: 20_000 };
/** Interval between checks whether the pool still has a transaction, milliseconds. */
const SEE_TO_MS = 2_000;
/** Number of mined transactions that are kept, in case a reorganisation removes them. */
const REMEMBERED = 16;
/** Maximum number of bids for a nonce that is occupied by a transaction from before a restart. */
const MAX_BIDS = 24;
/** Gas of an empty transaction. */
const EMPTY_GAS = 21_000n;

/** The reason why no transaction was sent: `expensive`, above the limit; `held`: the nonce cannot be replaced at a price
 * within the limit; `spent`: the nonce was used meanwhile, so that the call must be looked at again. */
export type Hindrance = "expensive" | "held" | "spent";

export interface OutboxDependencies extends PoolDependencies {
  log: Logger;
}

/**
 * The nonces of one key. A new call takes the chain's next nonce, so it replaces a pending transaction from before
 * a restart, and fills a gap. The outbox keeps no state on disk: callers decide by the state of the contracts what to
 * send, and of two transactions with one nonce only one is mined.
 */
export class Outbox {
  /** The nodes' knowledge of the key's transactions. */
  readonly pool: Pool;
  readonly #policy: FeePolicy;
  readonly #log: Logger;
  readonly #timers: OutboxDependencies["timers"];
  readonly #account: OutboxDependencies["account"];
  readonly #flights = new Map<number, Flight>();
  #landed: (Flight & { outcome: TransactionReceipt })[] = [];
  #turn: Promise<unknown> = Promise.resolve();
  #tending: Promise<Tip> | undefined;
  #gap: { nonce: number; since: number } | undefined;

  constructor(options: { fees: FeePolicy; chainId: number }, dependencies: OutboxDependencies) {
    this.#policy = options.fees;
    this.#log = dependencies.log;
    this.#timers = dependencies.timers;
    this.#account = dependencies.account;
    this.pool = new Pool(options.chainId, dependencies);
  }

  /**
   * Sends a call with the next nonce.
   *
   * @param looked The chain's next nonce when the caller decided to send; `spent` if it has changed since.
   * @throws BlockcloudError `TRANSACTION_FAILED` if nodes refuse it.
   */
  launch(payload: Payload, urgent: boolean, looked: number): Promise<Flight | Hindrance> {
    return this.#alone(async () => {
      const tip = await this.pool.tip();
      const market = await this.pool.market(tip);
      const count = await this.pool.count();
      if (count > looked) return "spent";
      for (const [nonce, flight] of this.#flights) {
        if (nonce < count && !flight.isWanted) this.#flights.delete(nonce);
      }
      if (priceOf(market, this.#policy, urgent) === undefined) return "expensive";
      // A transaction without a waiting caller gives its nonce to this call, so that the call need not wait.
      const given = this.#inOrder().find(({ isWanted }) => !isWanted);
      const nonce = given?.nonce ?? (await this.#nextNonce(count));
      if (nonce === undefined) return "spent";
      return this.#bid(new Flight(nonce, payload, urgent), given?.fees, market, tip);
    });
  }

  /** Checks all pending transactions once: mined, to be replaced, or to be sent again. */
  tend(): Promise<Tip> {
    this.#tending ??= this.#alone(() => this.#tendOnce()).finally(() => {
      this.#tending = undefined;
    });
    return this.#tending;
  }

  /** Raises the price until nodes accept the transaction, or lowers it to a node's fee cap. */
  async #bid(
    flight: Flight,
    outbid: Fees | undefined,
    market: Market,
    tip: Tip,
  ): Promise<Flight | Hindrance> {
    const { nonce, urgent, payload } = flight;
    const price = () =>
      outbid
        ? replacementFees(outbid, market, this.#policy, urgent, flight.isLean)
        : priceOf(market, this.#policy, urgent, flight.isLean);
    let fees = price();
    for (let bid = 0; fees !== undefined && bid < MAX_BIDS; bid++) {
      const { kind, reason, maybeTaken } = await this.pool.handOut(flight, fees, tip);
      // Regardless of other errors: it may be mined, so the call must not be sent a second time.
      if (maybeTaken) {
        this.#flights.set(nonce, flight);
        return flight;
      }
      if (kind === "spent") {
        this.#flights.delete(nonce);
        return "spent";
      }
      if (kind === "refused" || (kind === "capped" && flight.isLean))
        throw refused(payload, reason);
      if (kind === "capped") flight.isLean = true;
      else outbid = fees;
      fees = price();
    }
    return "held";
  }

  async #tendOnce(): Promise<Tip> {
    const [tip, count] = await Promise.all([this.pool.tip(), this.pool.count()]);
    for (const flight of this.#inOrder()) {
      if (flight.nonce < count) await this.#land(flight, tip);
      else if (this.#isNeeded(flight)) await this.#push(flight, tip, count);
    }
    await this.#closeGap(tip, count);
    return tip;
  }

  /** Finds the mined transaction of a nonce. */
  async #land(flight: Flight, tip: Tip): Promise<void> {
    const receipt = await this.pool.receipt(flight);
    if (receipt !== undefined) {
      this.#flights.delete(flight.nonce);
      const landed = Object.assign(flight, { outcome: receipt });
      this.#landed = [...this.#landed, landed].slice(-REMEMBERED);
      return;
    }
    // The endpoint that returned the nonce may be ahead of the one that returns receipts.
    if (await this.pool.knowsOne(flight)) {
      flight.lostAt = undefined;
      return;
    }
    const milliseconds = this.#timers.monotonic();
    const lost = (flight.lostAt ??= { block: tip.number, milliseconds });
    const isEarly = milliseconds < lost.milliseconds + LOST.milliseconds;
    if (isEarly || tip.number < lost.block + LOST.blocks) return;
    this.#flights.delete(flight.nonce);
    flight.outcome = new BlockcloudError(
      "TRANSACTION_REPLACED",
      `Another transaction took nonce ${flight.nonce} of ${flight.payload.name}.`,
      {
        retryable: true,
        remedy:
          "Stop other programs that use the key, and check whether the call was made before you repeat it.",
      },
    );
  }

  /** Replaces stuck transactions, and sends again those that the pool has lost. */
  async #push(flight: Flight, tip: Tip, count: number): Promise<void> {
    flight.lostAt = undefined;
    const isUnderpriced = flight.newest.fees.maxFeePerGas < tip.baseFee;
    const isSlow = flight.nonce === count && tip.number >= flight.sentAt + PATIENT_BLOCKS;
    const isStuck = tip.number > flight.sentAt && (isUnderpriced || isSlow);
    if (isStuck && (await this.#replace(flight, tip))) return;
    const now = this.#timers.monotonic();
    if (now < flight.seenTo + SEE_TO_MS) return;
    flight.seenTo = now;
    if (await this.pool.knows(flight.newest.hash)) return;
    const { kind } = await this.pool.repeat(flight);
    this.#log.debug("transaction sent again", { ...about(flight), kind });
  }

  /** Returns whether the limit allowed it. */
  async #replace(flight: Flight, tip: Tip): Promise<boolean> {
    const urgent = this.#isUrgent(flight);
    const market = await this.pool.market(tip);
    const fees = replacementFees(flight.fees, market, this.#policy, urgent, flight.isLean);
    if (fees === undefined) {
      if (!flight.wasHeldUp) this.#log.warn("the fee limit delays a transaction", about(flight));
      flight.wasHeldUp = true;
      return false;
    }
    const { kind, reason, maybeTaken } = await this.pool.handOut(flight, fees, tip);
    if (kind === "capped") flight.isLean = true;
    const message = maybeTaken
      ? "transaction replaced by one with a higher fee"
      : "a replacement was not accepted";
    this.#log.warn(message, { ...about(flight), kind, reason });
    return true;
  }

  /** Fills a lower nonce without a transaction: all pools dropped it, or a reorganisation removed it. */
  async #closeGap(tip: Tip, count: number): Promise<void> {
    const lowest = this.#inOrder().find(({ nonce }) => nonce >= count);
    if (lowest === undefined || lowest.nonce === count || !this.#isNeeded(lowest)) {
      this.#gap = undefined;
      return;
    }
    const now = this.#timers.monotonic();
    if (this.#gap?.nonce !== count) this.#gap = { nonce: count, since: now };
    // An endpoint that lags behind shows false gaps.
    if (now < this.#gap.since + SEE_TO_MS) return;
    const known = this.#landed.find(({ nonce }) => nonce === count);
    const { address } = this.#account;
    const empty: Payload = { name: "nothing", to: address, data: "0x", gas: EMPTY_GAS };
    const flight = known ?? new Flight(count, empty, lowest.urgent);
    flight.isWanted = false;
    const market = await this.pool.market(tip);
    const fees = priceOf(market, this.#policy, this.#isUrgent(lowest));
    if (known) await this.pool.repeat(known);
    else if (fees !== undefined) await this.pool.handOut(flight, fees, tip);
    // It is above the limit or refused, and is tried again at the next check.
    if (flight.signed.length === 0) return;
    this.#flights.set(count, flight);
    this.#log.warn("a gap before a transaction was filled", about(flight));
  }

  /**
   * The chain's next nonce, if the endpoint knows the mined transactions.
   *
   * @returns Undefined if the endpoint lags too far behind.
   */
  async #nextNonce(count: number): Promise<number | undefined> {
    const last = this.#landed.at(-1);
    let next = count;
    if (last !== undefined && count <= last.nonce) {
      const isMined = await this.pool.isStillMined(last.outcome);
      // After a reorganisation the transaction is unknown; an endpoint that lags behind still has it as pending.
      if (isMined === undefined && (await this.pool.knowsOne(last))) return undefined;
      if (isMined === true) next = last.nonce + 1;
      else {
        this.#log.warn("a reorganisation removed a mined transaction", about(last));
        this.#landed = [];
      }
    }
    while (this.#flights.has(next)) next += 1;
    return next;
  }

  #inOrder(): Flight[] {
    return [...this.#flights.values()].sort((a, b) => a.nonce - b.nonce);
  }

  /** Whether a caller waits for it or for a later nonce. */
  #isNeeded({ nonce }: Flight): boolean {
    return this.#inOrder().some((each) => each.nonce >= nonce && each.isWanted);
  }

  #isUrgent({ nonce }: Flight): boolean {
    return this.#inOrder().some((each) => each.nonce >= nonce && each.isWanted && each.urgent);
  }

  /** Runs one call at a time, so that nonces never race. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    // The next call must not fail with this call's error, which its own caller receives.
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
