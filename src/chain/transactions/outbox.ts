import type { TransactionReceipt } from "viem";
import type { Logger } from "../../node/logger.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { priceOf, replacementFees, type FeePolicy, type Fees, type Market } from "./fees.ts";
import { Flight, type Payload } from "./flight.ts";
import { Pool, type PoolDependencies, type Tip } from "./pool.ts";

/** Blocks that a transaction may wait before it is replaced by one that pays more. */
const PATIENT_BLOCKS = 3n;
/**
 * When a used nonce of which no endpoint knows a transaction of ours was used by somebody else: so many blocks
 * and milliseconds later. Endpoints behind one address know of different blocks.
 */
const LOST = { blocks: 3n, milliseconds: 20_000 };
/** How often the pool is asked whether it still has a transaction, milliseconds. */
const SEE_TO_MS = 2_000;
/** Mined transactions that are remembered, in case that a reorganisation takes them back. */
const REMEMBERED = 16;
/** Bids for a nonce that a transaction of before a restart holds. */
const MAX_BIDS = 24;
/** Gas of a transaction that does nothing. */
const EMPTY_GAS = 21_000n;

/** Why nothing was handed out: `expensive`, above the limit; `held`: the nonce cannot be had at a price
 * within the limit; `spent`: the nonce was used meanwhile, so that the call must be looked at again. */
export type Hindrance = "expensive" | "held" | "spent";

export interface OutboxDependencies extends PoolDependencies {
  log: Logger;
}

/**
 * The nonces of one key. What the chain says counts: a new call takes the chain's next nonce, so that
 * whatever waits there from before a restart is replaced and a gap is filled. Nothing is kept on disk:
 * callers decide by the state of contracts what is to be sent, and of two transactions of one nonce only
 * one is ever mined.
 */
export class Outbox {
  /** What nodes know. */
  readonly pool: Pool;
  readonly #policy: FeePolicy;
  readonly #d: OutboxDependencies;
  readonly #flights = new Map<number, Flight>();
  #landed: (Flight & { outcome: TransactionReceipt })[] = [];
  #turn: Promise<unknown> = Promise.resolve();
  #tending: Promise<Tip> | undefined;
  #gap: { nonce: number; since: number } | undefined;

  constructor(options: { fees: FeePolicy; chainId: number }, dependencies: OutboxDependencies) {
    this.#policy = options.fees;
    this.#d = dependencies;
    this.pool = new Pool(options.chainId, dependencies);
  }

  /**
   * Hands out a call with the next nonce.
   *
   * @param looked The chain's next nonce when it was decided what to send; `spent` where it has moved on.
   * @throws BlockcloudError `TRANSACTION_FAILED` when nodes refuse it.
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
      // One that nobody waits for gives up its nonce, rather than that the call waits behind it.
      const given = this.#inOrder().find(({ isWanted }) => !isWanted);
      const nonce = given?.nonce ?? (await this.#nextNonce(count));
      if (nonce === undefined) return "spent";
      return this.#bid(new Flight(nonce, payload, urgent), given?.fees, market, tip);
    });
  }

  /** Looks at everything under way once: what was mined, what is to be replaced or handed out again. */
  tend(): Promise<Tip> {
    this.#tending ??= this.#alone(() => this.#tendOnce()).finally(() => {
      this.#tending = undefined;
    });
    return this.#tending;
  }

  /** Raises the price until nodes take the transaction, or lowers it where they allow no more. */
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
      // Whatever else was said of it: it may be mined, and the call must not go out a second time.
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

  /** Finds which of a nonce's transactions was mined. */
  async #land(flight: Flight, tip: Tip): Promise<void> {
    const receipt = await this.pool.receipt(flight);
    if (receipt !== undefined) {
      this.#flights.delete(flight.nonce);
      const landed = Object.assign(flight, { outcome: receipt });
      this.#landed = [...this.#landed, landed].slice(-REMEMBERED);
      return;
    }
    // The endpoint that counts may be ahead of the one that knows receipts.
    if (await this.pool.knowsOne(flight)) {
      flight.lostAt = undefined;
      return;
    }
    const milliseconds = this.#d.timers.monotonic();
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
          "Let no other program use the key, and look whether the call was made before it is.",
      },
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
    if (await this.pool.knows(flight.newest.hash)) return;
    const { kind } = await this.pool.repeat(flight);
    this.#d.log.debug("transaction handed out again", { ...about(flight), kind });
  }

  /** Whether the limit allowed it. */
  async #replace(flight: Flight, tip: Tip): Promise<boolean> {
    const urgent = this.#isUrgent(flight);
    const market = await this.pool.market(tip);
    const fees = replacementFees(flight.fees, market, this.#policy, urgent, flight.isLean);
    if (fees === undefined) {
      if (!flight.wasHeldUp)
        this.#d.log.warn("the fee limit holds up a transaction", about(flight));
      flight.wasHeldUp = true;
      return false;
    }
    const { kind, reason, maybeTaken } = await this.pool.handOut(flight, fees, tip);
    if (kind === "capped") flight.isLean = true;
    const message = maybeTaken
      ? "transaction replaced by one that pays more"
      : "a replacement was not taken";
    this.#d.log.warn(message, { ...about(flight), kind, reason });
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
    const market = await this.pool.market(tip);
    const fees = priceOf(market, this.#policy, this.#isUrgent(lowest));
    if (known) await this.pool.repeat(known);
    else if (fees !== undefined) await this.pool.handOut(flight, fees, tip);
    // Above the limit, or refused: it is tried again the next time.
    if (flight.signed.length === 0) return;
    this.#flights.set(count, flight);
    this.#d.log.warn("a gap before a transaction was filled", about(flight));
  }

  /**
   * The chain's next nonce, unless the endpoint has not heard yet of what was mined.
   *
   * @returns Undefined where it is too far behind to say.
   */
  async #nextNonce(count: number): Promise<number | undefined> {
    const last = this.#landed.at(-1);
    let next = count;
    if (last !== undefined && count <= last.nonce) {
      const isMined = await this.pool.isStillMined(last.outcome);
      // A chain that got shorter has forgotten it; an endpoint that is behind knows that it waits.
      if (isMined === undefined && (await this.pool.knowsOne(last))) return undefined;
      if (isMined === true) next = last.nonce + 1;
      else {
        this.#d.log.warn("a transaction that was mined is no more", about(last));
        this.#landed = [];
      }
    }
    while (this.#flights.has(next)) next += 1;
    return next;
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
