import type { Hex } from "viem";
import type { VerifiedRecord } from "../../protocol/checkRecord.ts";
import { verifyRecord } from "./verifyRecord.ts";
import { ChainAccess, type ChainOptions } from "../../chain/access.ts";
import { ServiceDirectory } from "../../chain/directory.ts";
import { disposable, inOrder, type Worker } from "../../node/lifecycle.ts";
import { silentLogger, type Logger } from "../../node/logger.ts";
import { createMetrics, type Metrics } from "../../node/metrics.ts";
import { systemTimers, type Timers } from "../../node/timers.ts";
import { blockcloudDomain, type Domain } from "../../protocol/typedData.ts";
import { checkService, verifyAnswer, type VerifiedAnswer } from "./verifyAnswer.ts";

/**
 * Verifies the answers of other resolvers with its own access to the chain.
 *
 * @example
 * await using verifier = new AnswerVerifier({ rpcUrls: ["https://rpc.example"], deployment });
 * await verifier.start();
 * const { answer } = await verifier.verify(await response.json(), "weather.bloc.alt");
 */
export class AnswerVerifier implements Worker {
  readonly #domain: Domain;
  readonly #chain: ChainAccess;
  readonly #directory: ServiceDirectory;
  readonly #worker: Worker;

  /** @throws BlockcloudError `RPC_URL_INVALID`. */
  constructor(
    options: ChainOptions,
    environment: { timers?: Timers; log?: Logger; metrics?: Metrics } = {},
  ) {
    const { deployment } = options;
    const { timers = systemTimers, log = silentLogger } = environment;
    const metrics = environment.metrics ?? createMetrics("verifier");
    this.#domain = blockcloudDomain(BigInt(deployment.chainId), deployment.contracts.registry);
    this.#chain = new ChainAccess(options, { timers, log, metrics });
    const { client, time } = this.#chain;
    this.#directory = new ServiceDirectory({ client, deployment, time, timers, log });
    this.#worker = disposable(inOrder(this.#chain, this.#directory));
  }

  /** @throws BlockcloudError `CHAIN_UNREACHABLE`, `CHAIN_MISMATCH`. */
  start(): Promise<void> {
    return this.#worker.start();
  }

  stop(): Promise<void> {
    return this.#worker.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /**
   * Checks an answer.
   *
   * @param asked The requested name or ID.
   * @throws BlockcloudError as `verifyAnswer` does.
   */
  verify(json: unknown, asked: string): Promise<VerifiedAnswer> {
    const now = this.#chain.time.now() * 1000;
    return verifyAnswer(json, asked, { directory: this.#directory, domain: this.#domain, now });
  }

  /**
   * Checks a signed record that came from elsewhere. A delegation that was taken back is noticed only at the next
   * lookup: without a node of the record network there are no revocations.
   *
   * @throws BlockcloudError as `verifyRecord` does.
   */
  verifyRecord(record: Hex, signal: AbortSignal): Promise<VerifiedRecord> {
    const now = this.#chain.time.now() * 1000;
    const [domain, directory] = [this.#domain, this.#directory];
    return verifyRecord(record, { domain, directory, now, revokedUpTo: () => undefined }, signal);
  }

  /**
   * Checks on chain whether the service exists and is active, regardless of a resolver's statement.
   *
   * @throws BlockcloudError as `checkService` does.
   */
  checkService(asked: string): Promise<void> {
    return checkService(asked, this.#directory);
  }
}
