import type { EIP1193RequestFn, TransactionReceipt, Transport } from "viem";
import type { Metrics } from "../node/metrics.ts";
import type { Timers } from "../node/timers.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { currentEpoch, type ChainTime } from "./clock.ts";
import type { EndpointState, RpcObserver } from "./rpc/endpoint.ts";
import { RevertError } from "./rpc/faults.ts";
import type { TransactionObserver } from "./transactions/observer.ts";
import type { Call } from "./transactions/call.ts";

/** Counts the events of a transaction. */
export interface ReceiptListener {
  mined(receipt: TransactionReceipt): void;
}

/** The JSON-RPC methods of workers. */
const METHODS = [
  ...["eth_blockNumber", "eth_call", "eth_chainId", "eth_estimateGas", "eth_feeHistory"],
  ...["eth_gasPrice", "eth_getBalance", "eth_getBlockByNumber", "eth_getCode", "eth_getLogs"],
  ...["eth_getTransactionByHash", "eth_getTransactionCount", "eth_getTransactionReceipt"],
  ...["eth_maxPriorityFeePerGas", "eth_sendRawTransaction"],
];
/** The contract functions that workers call. */
const FUNCTIONS = [
  ...["tick", "commit", "reveal", "claim", "collect", "tryMulticall"],
  ...["announce", "settle", "respond", "resolve", "annul", "report", "lapse", "suspend"],
];
/** Error codes of failed transactions. */
const FAILURES = [
  ...["CALL_REVERTED", "TRANSACTION_REVERTED", "TRANSACTION_FAILED"],
  ...["FEE_TOO_HIGH", "TRANSACTION_EXPIRED", "TRANSACTION_REPLACED", "NONCE_STALE"],
];
/** Endpoints by their place in the list, and the outcomes of requests. */
const ENDPOINTS = ["1", "2", "3", "4"];
const OUTCOMES = ["ok", "error", "timeout", "network", "http", "limit", "malformed", "wrong chain"];
/** Bounds of RPC times, seconds: a local node up to the longest wait. */
const RPC_SECONDS = [0.005, 0.02, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Interval between reads of the balance, milliseconds. */
const BALANCE_MS = 60_000;
/** Time without a new block after which the worker is unhealthy, seconds. */
const STALE_HEAD_SECONDS = 120;

/** What the key that pays for gas has. */
export interface Balance {
  wei: bigint;
  /** Rounds or epochs that it lasts for; undefined where gas is free. */
  rounds: bigint | undefined;
}

/** Metrics of a worker's use of the chain. */
export class ChainMetrics implements TransactionObserver, RpcObserver {
  readonly #seconds;
  readonly #errors;
  readonly #answers;
  readonly #endpoints;
  readonly #seen = new Set<number>();
  readonly #transactions;
  readonly #failures;
  readonly #gas;
  readonly #fees;
  readonly #listeners: readonly ReceiptListener[];
  readonly #monotonic: () => number;
  #time: ChainTime | undefined;
  #balance: () => Balance | undefined = () => undefined;

  /** @param listeners Receive the receipts of mined transactions, to count their events. */
  constructor(
    metrics: Metrics,
    timers: Pick<Timers, "monotonic">,
    listeners: readonly ReceiptListener[] = [],
  ) {
    this.#listeners = listeners;
    this.#monotonic = () => timers.monotonic();
    const byMethod = { method: METHODS };
    const byFunction = { function: FUNCTIONS };
    this.#seconds = metrics.histogram(
      "blockcloud_rpc_request_seconds",
      "Time of JSON-RPC requests, failed ones included.",
      RPC_SECONDS,
      byMethod,
    );
    this.#errors = metrics.counter(
      "blockcloud_rpc_errors_total",
      "JSON-RPC requests that failed; reverted calls are responses and do not count.",
      byMethod,
    );
    this.#answers = metrics.counter(
      "blockcloud_rpc_endpoint_requests_total",
      "Requests to each RPC endpoint by outcome; error: an error of the node, usually a revert.",
      { endpoint: ENDPOINTS, outcome: OUTCOMES },
    );
    this.#endpoints = metrics.gauge(
      "blockcloud_rpc_endpoint_up",
      "1 while the RPC endpoint works; 0 while it is down, lags, or serves another chain.",
      { endpoint: ENDPOINTS },
    );
    this.#transactions = metrics.counter(
      "blockcloud_transactions_mined_total",
      "Transactions of this worker that are in a block.",
      byFunction,
    );
    this.#failures = metrics.counter(
      "blockcloud_transaction_failures_total",
      "Transactions that estimation refused, that reverted, or that were lost.",
      { ...byFunction, code: FAILURES },
    );
    this.#gas = metrics.counter(
      "blockcloud_transaction_gas_total",
      "Gas that transactions of this worker used.",
      byFunction,
    );
    this.#fees = metrics.counter(
      "blockcloud_transaction_fees_wei_total",
      "Ether paid for gas, wei.",
      byFunction,
    );
    this.#gauges(metrics);
  }

  /** Sets the clock for the head and the epoch. */
  follow(time: ChainTime): void {
    this.#time = time;
  }

  /** A transport that counts and times requests; a request and its retries count once. */
  observe(transport: Transport): Transport {
    return (options) => {
      const inner = transport(options);
      const request: EIP1193RequestFn = async (asked, how) => {
        const { method } = asked;
        const started = this.#monotonic();
        try {
          return await inner.request<never>(asked as never, how);
        } catch (error) {
          if (!(error instanceof RevertError)) this.#errors.add(1, { method });
          throw error;
        } finally {
          this.#seconds.observe((this.#monotonic() - started) / 1000, { method });
        }
      };
      return { ...inner, request };
    };
  }

  answered(endpoint: number, outcome: Parameters<RpcObserver["answered"]>[1]): void {
    // Endpoints start as working, and only changes are reported.
    if (!this.#seen.has(endpoint)) this.changed(endpoint, "up");
    this.#answers.add(1, { endpoint: `${endpoint}`, outcome });
  }

  changed(endpoint: number, state: EndpointState): void {
    this.#seen.add(endpoint);
    this.#endpoints.set(state === "up" ? 1 : 0, { endpoint: `${endpoint}` });
  }

  mined({ functionName }: Pick<Call, "functionName">, receipt: TransactionReceipt): void {
    const labels = { function: functionName };
    this.#transactions.add(1, labels);
    this.#gas.add(receipt.gasUsed, labels);
    this.#fees.add(receipt.gasUsed * receipt.effectiveGasPrice, labels);
    for (const listener of this.#listeners) listener.mined(receipt);
  }

  failed({ functionName }: Pick<Call, "functionName">, error: unknown): void {
    // A stopping worker or a passed epoch is not a failure of the transaction.
    if (error instanceof Error && error.name === "AbortError") return;
    const code = error instanceof BlockcloudError ? error.code : "";
    this.#failures.add(1, { function: functionName, code });
  }

  /**
   * The balance of the key that pays for gas. A scrape waits for no endpoint: it gets the last known balance, which
   * is read again in the background, at most once a minute.
   */
  watchBalance(read: () => Promise<Balance>): void {
    const now = this.#monotonic;
    let known: Balance | undefined;
    let asked = -Infinity;
    this.#balance = () => {
      if (now() - asked >= BALANCE_MS) {
        asked = now();
        read().then(
          (balance) => (known = balance),
          // The transport counts the failed request; the gauge keeps its value.
          () => undefined,
        );
      }
      return known;
    };
  }

  #gauges(metrics: Metrics): void {
    const fromClock = (name: string, help: string, read: (time: ChainTime) => number) => {
      metrics.gauge(name, help, {}, () => this.#read(read));
    };
    fromClock("blockcloud_chain_head_block", "Number of the newest block seen.", (time) =>
      Number(time.head().number),
    );
    fromClock(
      "blockcloud_chain_head_timestamp_seconds",
      "Time of the newest block seen, Unix seconds; behind the wall clock if the endpoint lags.",
      (time) => time.head().timestamp,
    );
    fromClock(
      "blockcloud_chain_head_age_seconds",
      "Time since a new block was last seen, by this process's timer.",
      headAge,
    );
    fromClock("blockcloud_current_epoch", "The epoch by the chain's time.", currentEpoch);
    metrics.gauge(
      "blockcloud_wallet_balance_wei",
      "Ether of the key that pays for transactions, wei.",
      {},
      () => {
        const wei = this.#balance()?.wei;
        return wei === undefined ? undefined : Number(wei);
      },
    );
    metrics.gauge(
      "blockcloud_wallet_rounds_left",
      "Rounds or epochs that this ether lasts for, at the newest price of gas.",
      {},
      () => {
        const balance = this.#balance();
        if (balance === undefined) return undefined;
        return balance.rounds === undefined ? Infinity : Number(balance.rounds);
      },
    );
    metrics.health.register("chain_head", () => {
      const age = this.#read(headAge);
      if (age === undefined) return "the chain has not been read yet";
      if (age <= STALE_HEAD_SECONDS) return undefined;
      return `no new block for ${Math.round(age)} s`;
    });
  }

  /** Undefined until a block was read. */
  #read(read: (time: ChainTime) => number): number | undefined {
    if (this.#time === undefined) return undefined;
    try {
      return read(this.#time);
    } catch (error) {
      if (error instanceof BlockcloudError && error.code === "CLOCK_STOPPED") return undefined;
      throw error;
    }
  }
}

/** The clock advances the head's time from the moment when the head was seen. */
function headAge(time: ChainTime): number {
  return Math.max(0, time.now() - time.head().timestamp);
}
