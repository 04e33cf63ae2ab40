import { ChainAccess, type ChainOptions } from "../chain/access.ts";
import { ServiceDirectory } from "../chain/directory.ts";
import { inOrder, type Startable } from "../node/lifecycle.ts";
import { silentLogger, type Logger } from "../node/logger.ts";
import { createMetrics, type Metrics } from "../node/metrics.ts";
import { systemTimers, type Timers } from "../node/timers.ts";
import { blockcloudDomain, type Domain } from "../protocol/typedData.ts";
import { verifyAnswer, type VerifiedAnswer } from "./verifyAnswer.ts";

/** Checks other resolvers' answers through RPC endpoints of one's own, whose chain it follows. */
export class AnswerVerifier implements Startable {
  readonly #domain: Domain;
  readonly #chain: ChainAccess;
  readonly #directory: ServiceDirectory;
  readonly #worker: Startable;

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
    this.#worker = inOrder(this.#chain, this.#directory);
  }

  /** @throws BlockcloudError `CHAIN_UNREACHABLE`, `CHAIN_MISMATCH`. */
  start(): Promise<void> {
    return this.#worker.start();
  }

  stop(): Promise<void> {
    return this.#worker.stop();
  }

  /**
   * Checks an answer.
   *
   * @param asked What was asked for.
   * @throws BlockcloudError as `verifyAnswer` does.
   */
  verify(json: unknown, asked: string): Promise<VerifiedAnswer> {
    const now = this.#chain.time.now() * 1000;
    return verifyAnswer(json, asked, { directory: this.#directory, domain: this.#domain, now });
  }
}
