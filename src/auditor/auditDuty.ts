import type { Address } from "viem";
import type { Announcements } from "../chain/announcements.ts";
import type { ChainClient } from "../chain/client.ts";
import type { ChainTime } from "../chain/clock.ts";
import type { Deployment } from "../chain/deployment.ts";
import type { Seeds } from "../chain/seeds.ts";
import type { TransactionSender } from "../chain/sender.ts";
import type { Services } from "../chain/services.ts";
import { untilConfirmed } from "../chain/ticks.ts";
import type { Logger } from "../node/logger.ts";
import type { Timers } from "../node/timers.ts";
import { proofOfServiceAbi } from "../protocol/abi/proofOfService.ts";
import { epochStart } from "../protocol/epoch.ts";
import type { Duty } from "./auditor.ts";
import type { Secrets } from "./chain.ts";
import { draw } from "./draw.ts";
import type { InspectionWindow, Voter } from "./inspector.ts";
import type { AuditorMetrics } from "./metrics.ts";
import { buildRound, OpenedRound } from "./round.ts";
import type { AuditorStore, StoredRound } from "./store.ts";

/** Inspections begin up to this share of the epoch. */
const LAST_START = 0.55;
/** Inspections end, and the commitment is sent, at this share of the epoch at the latest. */
const DEADLINE = 0.75;

export interface AuditDependencies {
  client: ChainClient;
  deployment: Deployment;
  services: Services;
  announcements: Announcements;
  seeds: Seeds;
  secrets: Secrets;
  voter: Voter;
  store: AuditorStore;
  sender: TransactionSender;
  time: ChainTime;
  timers: Timers;
  log: Logger;
  metrics?: Pick<AuditorMetrics, "drawn">;
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
    const { store, log } = this.#d;
    const round = store.round(epoch) ?? (await this.#inspect(epoch, signal));
    if (round === undefined || (await this.#isCommitted(epoch))) return;
    await this.#d.sender.send({
      address: this.#d.deployment.contracts.proofOfService,
      abi: proofOfServiceAbi,
      functionName: "commit",
      args: [this.#auditor, epoch, new OpenedRound(this.#auditor, round).commitment],
    });
    log.info("round committed", { epoch, votes: round.votes });
  }

  /** The epoch's round, on disk; undefined when there is none to make. */
  async #inspect(epoch: number, signal: AbortSignal): Promise<StoredRound | undefined> {
    const { time, log, store } = this.#d;
    const start = epochStart(time.timing, epoch);
    const at = (share: number) => start + share * time.timing.epochSeconds;
    if (time.now() > at(LAST_START)) {
      log.info("too late to inspect in this epoch", { epoch });
      return undefined;
    }
    await untilConfirmed(this.#d, epoch, signal);
    const secret = await this.#d.secrets.secret(epoch);
    if (secret === undefined) {
      log.info("not enrolled yet", { epoch });
      return undefined;
    }
    const { seed } = await this.#d.seeds.prove(epoch, time.head());
    const drawn = await draw({ auditor: this.#auditor, epoch, seed, secret }, this.#d);
    await this.#d.announcements.refresh();
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
