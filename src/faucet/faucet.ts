import { erc20Abi, formatEther, isAddressEqual, type Address, type Hex } from "viem";
import type { ChainClient } from "../chain/client.ts";
import type { Deployment } from "../chain/deployment.ts";
import { GAS_PER_ROUND } from "../chain/runway.ts";
import type { Call, EtherTransfer } from "../chain/transactions/call.ts";
import type { TransactionSender } from "../chain/transactions/sender.ts";
import type { Logger } from "../node/logger.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { FaucetProblem } from "./problem.ts";
import type { Amounts, FaucetStore } from "./store.ts";

/** The cap in total counts the gifts of this time, milliseconds. */
const DAY_MS = 86_400_000;
/** Gifts that are being sent at a time. */
const MAX_SENDING = 16;
/** When a client may ask a busy faucet again, milliseconds: some blocks. */
const BUSY_MS = 30_000;
/** Errors after which the call has certainly not been sent. */
const UNSENT: readonly string[] = ["CALL_REVERTED", "FEE_TOO_HIGH", "NONCE_STALE"];

/** The limits of a faucet. */
export interface FaucetLimits {
  /** One gift, wei. */
  gift: Amounts;
  /** All gifts of a day, wei. */
  daily: Amounts;
  /** Time between two gifts to one address, and for which a client's gifts count, milliseconds. */
  waitMs: number;
  /** Gifts of one client in that time. */
  giftsPerPeer: number;
}

/** A gift that was sent. */
export interface Gift extends Amounts {
  to: Address;
  transactions: Hex[];
}

export interface FaucetDependencies {
  client: Pick<ChainClient, "getCode" | "getBalance" | "getGasPrice" | "readContract">;
  deployment: Deployment;
  sender: Pick<TransactionSender, "address" | "send">;
  store: FaucetStore;
  /** The host's clock, Unix milliseconds. */
  now(): number;
  log: Logger;
}

/** Gives BLOC and ether of a test network, within limits for each address, each client, and in total. */
export class Faucet {
  readonly #limits: FaucetLimits;
  readonly #dependencies: FaucetDependencies;
  #sending = 0;

  constructor(limits: FaucetLimits, dependencies: FaucetDependencies) {
    this.#limits = limits;
    this.#dependencies = dependencies;
  }

  /** The sending account. */
  get address(): Address {
    return this.#dependencies.sender.address;
  }

  get limits(): FaucetLimits {
    return this.#limits;
  }

  /** What may still be given in this day, wei. */
  get left(): Amounts {
    const { store, now } = this.#dependencies;
    const { daily } = this.#limits;
    const { bloc, ether } = store.total(now() - DAY_MS);
    // A lower cap than before a restart may be exceeded already.
    const rest = (cap: bigint, given: bigint) => (given > cap ? 0n : cap - given);
    return { bloc: rest(daily.bloc, bloc), ether: rest(daily.ether, ether) };
  }

  /**
   * Sends a gift, and waits until it is in a block.
   *
   * @param peer The client, as limits count it.
   * @throws FaucetProblem
   */
  async give(to: Address, peer: string): Promise<Gift> {
    const { store, log } = this.#dependencies;
    if (this.#sending >= MAX_SENDING) {
      throw new FaucetProblem("FAUCET_BUSY", { retryAfterMs: BUSY_MS });
    }
    this.#sending += 1;
    try {
      this.#checkLimits(to, peer);
      await this.#checkReceiver(to);
      await this.#checkBalance();
      // Others may have been booked meanwhile. From here to the booking nothing waits.
      this.#checkLimits(to, peer);
      const id = store.book({ ...this.#limits.gift, receiver: to, peer, at: this.#now() });
      const transactions = await this.#send(to, id);
      log.info("gift sent", { to, transactions });
      return { to, ...this.#limits.gift, transactions };
    } finally {
      this.#sending -= 1;
    }
  }

  /** @throws FaucetProblem `GIFTS_EXCEEDED`, `FAUCET_DRY`. */
  #checkLimits(to: Address, peer: string): void {
    const { store } = this.#dependencies;
    const { gift, waitMs, giftsPerPeer } = this.#limits;
    const now = this.#now();
    store.prune(now - Math.max(DAY_MS, waitMs));
    const until = (at: number | undefined) => ({ retryAfterMs: (at ?? now) + waitMs - now });
    const [first] = store.giftsTo(to, now - waitMs);
    if (first !== undefined) {
      throw new FaucetProblem("GIFTS_EXCEEDED", { detail: `${to} had a gift.`, ...until(first) });
    }
    const others = store.giftsOf(peer, now - waitMs);
    if (others.length >= giftsPerPeer) {
      const detail = `This client had ${others.length} gifts.`;
      throw new FaucetProblem("GIFTS_EXCEEDED", { detail, ...until(others.at(-giftsPerPeer)) });
    }
    const { left } = this;
    if (left.bloc < gift.bloc || left.ether < gift.ether) {
      const { oldest = now } = store.total(now - DAY_MS);
      throw new FaucetProblem("FAUCET_DRY", { retryAfterMs: oldest + DAY_MS - now });
    }
  }

  /**
   * Code that runs when ether arrives could use up the faucet's gas, and BLOC that is sent to a contract of the
   * deployment is lost.
   *
   * @throws FaucetProblem `RECEIVER_INVALID`.
   */
  async #checkReceiver(to: Address): Promise<void> {
    const { client } = this.#dependencies;
    const refuse = (what: string) =>
      new FaucetProblem("RECEIVER_INVALID", { detail: `${to} is ${what}.` });
    if (BigInt(to) === 0n) throw refuse("the zero address");
    if (isAddressEqual(to, this.address)) throw refuse("the faucet itself");
    const code = await client.getCode({ address: to });
    if (code !== undefined && code !== "0x") throw refuse("a contract; give an account with a key");
  }

  /** @throws FaucetProblem `FAUCET_EMPTY`. */
  async #checkBalance(): Promise<void> {
    const { client, deployment, log } = this.#dependencies;
    const { gift } = this.#limits;
    const [bloc, ether, price] = await Promise.all([
      client.readContract({
        address: deployment.contracts.token,
        abi: erc20Abi,
        functionName: "balanceOf",
        args: [this.address],
      }),
      client.getBalance({ address: this.address }),
      client.getGasPrice(),
    ]);
    // Twice the gas at the current price: it may rise until the block.
    if (bloc >= gift.bloc && ether >= gift.ether + 2n * GAS_PER_ROUND.faucet * price) return;
    log.warn("the faucet has too little left", {
      address: this.address,
      bloc: formatEther(bloc),
      ether: formatEther(ether),
      remedy: "Send BLOC and ether to this address.",
    });
    throw new FaucetProblem("FAUCET_EMPTY");
  }

  async #send(to: Address, id: number): Promise<Hex[]> {
    const { deployment, sender, store, log } = this.#dependencies;
    const { bloc, ether } = this.#limits.gift;
    const transfer: Call = {
      address: deployment.contracts.token,
      abi: erc20Abi,
      functionName: "transfer",
      args: [to, bloc],
    };
    const payment: EtherTransfer = { address: to, functionName: "sendEther", value: ether };
    const sent: Hex[] = [];
    try {
      if (bloc > 0n) sent.push((await sender.send(transfer)).transactionHash);
      if (ether > 0n) sent.push((await sender.send(payment)).transactionHash);
      return sent;
    } catch (cause) {
      log.warn("a gift was not sent completely", { to, transactions: sent, error: cause });
      const code = cause instanceof BlockcloudError ? cause.code : "";
      // If it may still reach a block, it counts.
      const isReleased = sent.length === 0 && UNSENT.includes(code);
      if (isReleased) store.release(id);
      const detail = isReleased
        ? "Nothing was sent: ask again later."
        : `Sent: ${sent.length === 0 ? "perhaps the first transaction" : sent.join(", ")}.`;
      throw new FaucetProblem("FAUCET_UNSENT", { cause, detail, retryAfterMs: BUSY_MS });
    }
  }

  #now(): number {
    return Math.floor(this.#dependencies.now());
  }
}
