import type { Address, Hex } from "viem";
import type { ChainClient } from "../chain/client.ts";
import { staysFor, type ChainTime } from "../chain/clock.ts";
import type { Deployment } from "../chain/deployment.ts";
import type { Seeds } from "../chain/seeds.ts";
import type { TransactionSender } from "../chain/transactions/sender.ts";
import type { Services } from "../chain/services.ts";
import { untilConfirmed } from "../chain/ticks.ts";
import type { Logger } from "../node/logger.ts";
import type { Timers } from "../node/timers.ts";
import { proofOfServiceAbi } from "../protocol/abi/proofOfService.ts";
import { epochStart } from "../protocol/epoch.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { drawKey } from "../protocol/sortition.ts";
import type { Duty } from "./auditor.ts";
import type { Secrets } from "./secrets.ts";
import { draw } from "./draw.ts";
import { elsewhere, isForeign } from "./foreignRounds.ts";
import type { InspectionWindow, Voter } from "./inspection/inspector.ts";
import type { AuditorMetrics } from "./metrics.ts";
import type { Profit } from "./profit.ts";
import { buildRound, OpenedRound } from "./round.ts";
import type { AuditorStore, StoredRound } from "./store.ts";

/** Inspections begin up to this share of the epoch. */
const LAST_START = 0.55;
/** From this share of the epoch on, services whose probe cannot be read are skipped. */
const LAST_READ = 0.25;
/** Depth in blocks until which a commitment is watched. */
const COMMIT_DEPTH = 5n;
/** Share of the epoch at which inspections end and the commitment is sent at the latest. */
const DEADLINE = 0.75;

export interface AuditDependencies {
  client: ChainClient;
  deployment: Deployment;
  services: Services;
  seeds: Seeds;
  secrets: Secrets;
  voter: Voter;
  store: AuditorStore;
  sender: TransactionSender;
  /** Skips unprofitable rounds; undefined: skips none. */
  profit?: Pick<Profit, "pays"> | undefined;
  time: ChainTime;
  timers: Timers;
  log: Logger;
  metrics?: Pick<AuditorMetrics, "drawn" | "declined">;
}

/** Draws, inspects, keeps the evidence on disk, and commits. */
export class AuditDuty implements Duty {
  readonly name = "audit";
  readonly #auditor: Address;
  readonly #client: ChainClient;
  readonly #deployment: Deployment;
  readonly #services: Services;
  readonly #seeds: Seeds;
  readonly #secrets: Secrets;
  readonly #voter: Voter;
  readonly #store: AuditorStore;
  readonly #sender: TransactionSender;
  readonly #profit: Pick<Profit, "pays"> | undefined;
  readonly #time: ChainTime;
  readonly #timers: Timers;
  readonly #log: Logger;
  readonly #metrics: Pick<AuditorMetrics, "drawn" | "declined"> | undefined;

  constructor(options: { auditor: Address }, dependencies: AuditDependencies) {
    this.#auditor = options.auditor;
    this.#client = dependencies.client;
    this.#deployment = dependencies.deployment;
    this.#services = dependencies.services;
    this.#seeds = dependencies.seeds;
    this.#secrets = dependencies.secrets;
    this.#voter = dependencies.voter;
    this.#store = dependencies.store;
    this.#sender = dependencies.sender;
    this.#profit = dependencies.profit;
    this.#time = dependencies.time;
    this.#timers = dependencies.timers;
    this.#log = dependencies.log;
    this.#metrics = dependencies.metrics;
  }

  async run(epoch: number, signal: AbortSignal): Promise<void> {
    const kept = await this.#kept(epoch, signal);
    const round = kept ?? (await this.#inspect(epoch, signal));
    if (round !== undefined) await this.#commit(round, signal);
  }

  /** The round on disk, unless it was drawn from a seed that a reorganisation has changed since. */
  async #kept(epoch: number, signal: AbortSignal): Promise<StoredRound | undefined> {
    const store = this.#store;
    const log = this.#log;
    const round = store.round(epoch);
    if (round === undefined || store.isSent(epoch)) return round;
    if (await this.#isOfSeed(round, signal)) return round;
    log.warn("the epoch's seed has changed, making the round anew", { epoch });
    store.discard(epoch);
    return undefined;
  }

  /**
   * Sends the commitment until it is some blocks deep. It is always the one on disk: after a commitment may have
   * been sent, no other one is sent, even if the seed changes.
   */
  async #commit(round: StoredRound, signal: AbortSignal): Promise<void> {
    const store = this.#store;
    const log = this.#log;
    const { epoch, votes } = round;
    const isCommitted = () => this.#isCommitted(epoch);
    for (;;) {
      if (await isCommitted()) {
        if (!store.isSent(epoch) || (await this.#isForeign(round)))
          throw elsewhere(this.#auditor, epoch);
      } else {
        if (!(await this.#isOfSeed(round, signal))) {
          if (!store.isSent(epoch)) throw stale(epoch);
          log.error(
            "the epoch's seed has changed since the commitment was sent, giving the round up",
            {
              epoch,
            },
          );
          return;
        }
        store.markSent(epoch);
        await this.#send(round, signal);
        log.info("round committed", { epoch, votes });
      }
      if (
        await staysFor(
          { time: this.#time, timers: this.#timers },
          COMMIT_DEPTH,
          isCommitted,
          signal,
        )
      )
        return;
      log.warn("a reorganisation removed the commitment, sending it again", { epoch });
    }
  }

  async #send(round: StoredRound, signal: AbortSignal): Promise<void> {
    const { epoch } = round;
    const deadline = epochStart(this.#time.timing, epoch + 1) - 1;
    const call = {
      address: this.#deployment.contracts.proofOfService,
      abi: proofOfServiceAbi,
      functionName: "commit",
      args: [this.#auditor, epoch, new OpenedRound(this.#auditor, round).commitment],
    };
    try {
      await this.#sender.send(call, { signal, deadline, urgent: true });
    } catch (cause) {
      signal.throwIfAborted();
      // After an error the contract decides: a commitment that was sent before a restart may have been mined.
      if (await this.#isCommitted(epoch)) {
        if (await this.#isForeign(round)) throw elsewhere(this.#auditor, epoch);
        return;
      }
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new BlockcloudError("COMMIT_FAILED", message, { cause, retryable: true });
    }
  }

  async #isForeign(round: StoredRound): Promise<boolean> {
    const { epoch } = round;
    const { commitment } = new OpenedRound(this.#auditor, round);
    const from = await this.#seeds.firstBlock(epoch, this.#time.head());
    return isForeign(
      { client: this.#client, deployment: this.#deployment },
      { auditor: this.#auditor, epoch, commitment, from },
    );
  }

  /** Whether a round was drawn from the chain's current seed. */
  async #isOfSeed(round: StoredRound, signal: AbortSignal): Promise<boolean> {
    const { epoch, secret, y } = round;
    return drawKey(await this.#seed(epoch, signal), secret, this.#auditor) === y;
  }

  async #seed(epoch: number, signal: AbortSignal): Promise<Hex> {
    const recorded = await this.#seeds.recorded(epoch);
    if (recorded) return recorded.seed;
    await untilConfirmed(
      { seeds: this.#seeds, deployment: this.#deployment, time: this.#time, timers: this.#timers },
      epoch,
      signal,
    );
    return (await this.#seeds.prove(epoch, this.#time.head())).seed;
  }

  /** The epoch's round, on disk; undefined if there is no round in this epoch. */
  async #inspect(epoch: number, signal: AbortSignal): Promise<StoredRound | undefined> {
    const time = this.#time;
    const log = this.#log;
    const store = this.#store;
    const start = epochStart(time.timing, epoch);
    const at = (share: number) => start + share * time.timing.epochSeconds;
    const isLate = () => {
      const late = time.now() > at(LAST_START);
      if (late) log.info("too late to inspect in this epoch", { epoch });
      return late;
    };
    if (isLate()) return undefined;
    await untilConfirmed(
      { seeds: this.#seeds, deployment: this.#deployment, time: this.#time, timers: this.#timers },
      epoch,
      signal,
    );
    // If the chain has halted, the remaining real time would be too short even for a healthy service.
    if (isLate()) return undefined;
    const secret = await this.#secrets.secret(epoch);
    if (secret === undefined) {
      log.info("not enrolled yet", { epoch });
      return undefined;
    }
    const { seed } = await this.#seeds.prove(epoch, time.head());
    // Before that, another attempt or another endpoint may read the missing probe.
    const withoutUnread = time.now() > at(LAST_READ);
    const input = { auditor: this.#auditor, epoch, seed, secret, withoutUnread };
    const drawn = await draw(input, {
      client: this.#client,
      deployment: this.#deployment,
      services: this.#services,
      log: this.#log,
    });
    if (drawn === undefined) {
      log.info("no stake in this epoch", { epoch });
      return undefined;
    }
    if (this.#profit && !(await this.#profit.pays(drawn))) {
      this.#metrics?.declined();
      return undefined;
    }
    const services = drawn.shards.flatMap((shard) => shard.services);
    this.#metrics?.drawn(epoch, services.length);
    log.info("shards drawn", { epoch, shards: drawn.shards.length, services: services.length });

    const window: InspectionWindow = {
      from: time.now(),
      to: at(LAST_START),
      deadline: at(DEADLINE),
    };
    const votes = await Promise.all(
      services.map((service) => this.#voter.vote(service, epoch, drawn.y, window, signal)),
    );
    const cast = votes.filter((vote) => vote !== undefined);
    const round = buildRound(drawn, cast);
    store.save(round);
    return round;
  }

  async #isCommitted(epoch: number): Promise<boolean> {
    const [committed] = await this.#client.readContract({
      address: this.#deployment.contracts.proofOfService,
      abi: proofOfServiceAbi,
      functionName: "roundOf",
      args: [this.#auditor, epoch],
    });
    return committed;
  }
}

function stale(epoch: number): BlockcloudError {
  return new BlockcloudError("ROUND_STALE", `The seed of epoch ${epoch} has changed.`, {
    retryable: true,
  });
}
