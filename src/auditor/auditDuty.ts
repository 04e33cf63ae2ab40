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
/** From this share of the epoch on, services are drawn without those that cannot be read. */
const LAST_READ = 0.25;
/** A commitment is watched until so many blocks are on top of it. */
const COMMIT_DEPTH = 5n;
/** Inspections end, and the commitment is sent, at this share of the epoch at the latest. */
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
  /** Refuses rounds that do not pay; without it none is refused. */
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
  readonly #d: AuditDependencies;

  constructor(options: { auditor: Address }, dependencies: AuditDependencies) {
    this.#auditor = options.auditor;
    this.#d = dependencies;
  }

  async run(epoch: number, signal: AbortSignal): Promise<void> {
    const kept = await this.#kept(epoch, signal);
    const round = kept ?? (await this.#inspect(epoch, signal));
    if (round !== undefined) await this.#commit(round, signal);
  }

  /** The round on disk, unless it was drawn from a seed that a reorganisation has changed since. */
  async #kept(epoch: number, signal: AbortSignal): Promise<StoredRound | undefined> {
    const { store, log } = this.#d;
    const round = store.round(epoch);
    if (round === undefined || store.isSent(epoch)) return round;
    if (await this.#isOfSeed(round, signal)) return round;
    log.warn("the epoch's seed has changed: its round is made anew", { epoch });
    store.discard(epoch);
    return undefined;
  }

  /**
   * Sends the commitment until it is some blocks deep, always the one on disk: once it may have been sent,
   * no other is, whatever becomes of the seed.
   */
  async #commit(round: StoredRound, signal: AbortSignal): Promise<void> {
    const { store, log } = this.#d;
    const { epoch, votes } = round;
    const isCommitted = () => this.#isCommitted(epoch);
    for (;;) {
      if (await isCommitted()) {
        if (!store.isSent(epoch) || (await this.#isForeign(round)))
          throw elsewhere(this.#auditor, epoch);
      } else {
        if (!(await this.#isOfSeed(round, signal))) {
          if (!store.isSent(epoch)) throw stale(epoch);
          log.error("the epoch's seed has changed since the commitment was sent: it is given up", {
            epoch,
          });
          return;
        }
        store.markSent(epoch);
        await this.#send(round, signal);
        log.info("round committed", { epoch, votes });
      }
      if (await staysFor(this.#d, COMMIT_DEPTH, isCommitted, signal)) return;
      log.warn("a reorganisation took the commitment back: it is sent again", { epoch });
    }
  }

  async #send(round: StoredRound, signal: AbortSignal): Promise<void> {
    const { epoch } = round;
    const deadline = epochStart(this.#d.time.timing, epoch + 1) - 1;
    const call = {
      address: this.#d.deployment.contracts.proofOfService,
      abi: proofOfServiceAbi,
      functionName: "commit",
      args: [this.#auditor, epoch, new OpenedRound(this.#auditor, round).commitment],
    };
    try {
      await this.#d.sender.send(call, { signal, deadline, urgent: true });
    } catch (cause) {
      signal.throwIfAborted();
      // After any doubt the contract says what counts: one sent before a restart may have come first.
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
    const from = await this.#d.seeds.firstBlock(epoch, this.#d.time.head());
    return isForeign(this.#d, { auditor: this.#auditor, epoch, commitment, from });
  }

  /** Whether a round was drawn from the seed that the chain has now. */
  async #isOfSeed(round: StoredRound, signal: AbortSignal): Promise<boolean> {
    const { epoch, secret, y } = round;
    return drawKey(await this.#seed(epoch, signal), secret, this.#auditor) === y;
  }

  async #seed(epoch: number, signal: AbortSignal): Promise<Hex> {
    const recorded = await this.#d.seeds.recorded(epoch);
    if (recorded) return recorded.seed;
    await untilConfirmed(this.#d, epoch, signal);
    return (await this.#d.seeds.prove(epoch, this.#d.time.head())).seed;
  }

  /** The epoch's round, on disk; undefined when there is none to make. */
  async #inspect(epoch: number, signal: AbortSignal): Promise<StoredRound | undefined> {
    const { time, log, store } = this.#d;
    const start = epochStart(time.timing, epoch);
    const at = (share: number) => start + share * time.timing.epochSeconds;
    const isLate = () => {
      const late = time.now() > at(LAST_START);
      if (late) log.info("too late to inspect in this epoch", { epoch });
      return late;
    };
    if (isLate()) return undefined;
    await untilConfirmed(this.#d, epoch, signal);
    // The chain may have stood still: what is left of real time would not do for a service that is well.
    if (isLate()) return undefined;
    const secret = await this.#d.secrets.secret(epoch);
    if (secret === undefined) {
      log.info("not enrolled yet", { epoch });
      return undefined;
    }
    const { seed } = await this.#d.seeds.prove(epoch, time.head());
    // Until then another try, or another endpoint, may read what this one could not.
    const withoutUnread = time.now() > at(LAST_READ);
    const input = { auditor: this.#auditor, epoch, seed, secret, withoutUnread };
    const drawn = await draw(input, this.#d);
    if (drawn === undefined) {
      log.info("no stake in this epoch", { epoch });
      return undefined;
    }
    if (this.#d.profit && !(await this.#d.profit.pays(drawn))) {
      this.#d.metrics?.declined();
      return undefined;
    }
    const services = drawn.shards.flatMap((shard) => shard.services);
    this.#d.metrics?.drawn(epoch, services.length);
    log.info("shards drawn", { epoch, shards: drawn.shards.length, services: services.length });

    const window: InspectionWindow = {
      from: time.now(),
      to: at(LAST_START),
      deadline: at(DEADLINE),
    };
    const votes = await Promise.all(
      services.map((service) => this.#d.voter.vote(service, epoch, drawn.y, window, signal)),
    );
    const cast = votes.filter((vote) => vote !== undefined);
    const round = buildRound(drawn, cast);
    store.save(round);
    return round;
  }

  async #isCommitted(epoch: number): Promise<boolean> {
    const [committed] = await this.#d.client.readContract({
      address: this.#d.deployment.contracts.proofOfService,
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
