import {
  createWalletClient,
  type Abi,
  type Address,
  type Hex,
  type TransactionReceipt,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";
import type { Logger } from "../node/logger.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { createTransport, describeChain, type ChainClient } from "./client.ts";
import type { FeePolicy } from "./fees.ts";
import type { TransactionObserver } from "./metrics.ts";
import { describeRevert } from "./revert.ts";

/** EIP-7825: the most gas that one transaction may have. */
const MAX_TRANSACTION_GAS = 16_777_216n;
/** How long a transaction may wait for its block, milliseconds. */
const RECEIPT_TIMEOUT_MS = 120_000;

/** A contract call to send. */
export interface Call {
  address: Address;
  abi: Abi;
  functionName: string;
  args: readonly unknown[];
}

export interface TransactionSenderOptions {
  /** The preferred RPC endpoint, then those that stand in for it. */
  rpcUrls: readonly string[];
  chainId: number;
  /** Signs and pays. */
  key: Hex;
  fees?: FeePolicy | undefined;
}

/** How a call is to be sent. */
export interface SendOptions {
  /** Gives up waiting; what was sent may still be mined. */
  signal?: AbortSignal | undefined;
  /** Chain time after which the call is of no use, Unix seconds: it is not replaced any more. */
  deadline?: number | undefined;
}

/**
 * Sends transactions from one key, one after the other, so that nonces never race. A call that would
 * revert is found out by estimation and costs nothing.
 */
export class TransactionSender {
  readonly address: Address;
  readonly #wallet;
  readonly #client: ChainClient;
  readonly #log: Logger;
  readonly #observer: TransactionObserver | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(
    options: TransactionSenderOptions,
    dependencies: { client: ChainClient; log: Logger; observer?: TransactionObserver },
  ) {
    const account = privateKeyToAccount(options.key);
    this.address = account.address;
    this.#wallet = createWalletClient({
      account,
      chain: describeChain(options.chainId),
      transport: createTransport(options.rpcUrls),
    });
    this.#client = dependencies.client;
    this.#log = dependencies.log;
    this.#observer = dependencies.observer;
  }

  /**
   * Sends a call and waits until it is in a block.
   *
   * @throws BlockcloudError `CALL_REVERTED` with the contract's own error, before anything was sent;
   * `TRANSACTION_REVERTED` when it failed in its block all the same; `TRANSACTION_FAILED` otherwise.
   */
  send(call: Call, options: SendOptions = {}): Promise<TransactionReceipt> {
    const turn = this.#queue.then(() => {
      options.signal?.throwIfAborted();
      return this.#send(call);
    });
    turn.catch((error: unknown) => this.#observer?.failed(call, error));
    // The next in line must not fail for this one's error, which its own caller gets.
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  async #send(call: Call): Promise<TransactionReceipt> {
    const { functionName } = call;
    let hash: Hex;
    try {
      const estimate = await this.#client.estimateContractGas({ ...call, account: this.address });
      // A tenth more: tallies and ring entries may be colder in the block than in the estimate.
      const padded = (estimate * 11n) / 10n + 30_000n;
      const gas = padded > MAX_TRANSACTION_GAS ? MAX_TRANSACTION_GAS : padded;
      hash = await this.#wallet.writeContract({ ...call, gas });
    } catch (cause) {
      throw describeRevert(functionName, cause);
    }
    this.#log.debug("transaction sent", { functionName, hash });
    const receipt = await this.#mined(functionName, hash);
    this.#observer?.mined(call, receipt);
    const { gasUsed, blockNumber } = receipt;
    this.#log.debug("transaction mined", { functionName, hash, gasUsed, blockNumber });
    if (receipt.status === "reverted") {
      throw new BlockcloudError("TRANSACTION_REVERTED", `${functionName} reverted in ${hash}.`, {
        retryable: true,
        remedy: "The chain's state changed between estimate and block; try again.",
      });
    }
    return receipt;
  }

  async #mined(functionName: string, hash: Hex): Promise<TransactionReceipt> {
    try {
      return await this.#client.waitForTransactionReceipt({ hash, timeout: RECEIPT_TIMEOUT_MS });
    } catch (cause) {
      throw new BlockcloudError(
        "TRANSACTION_FAILED",
        `${functionName} was sent, but ${hash} is in no block that the RPC endpoint knows.`,
        { cause, retryable: true, remedy: "Check the gas price and the RPC endpoint." },
      );
    }
  }
}
