import PQueue from "p-queue";
import { randomBytes, randomInt } from "node:crypto";
import type { Hex } from "viem";
import type { ChainTime } from "../../chain/clock.ts";
import type { AuditedService } from "../../chain/services.ts";
import type { Logger } from "../../node/logger.ts";
import type { Resolve } from "../../net/resolve.ts";
import type { Timers } from "../../node/timers.ts";
import { bytesToHex } from "../../protocol/bytes.ts";
import { epochStart } from "../../protocol/epoch.ts";
import { suitsClass } from "../../protocol/probe.ts";
import { RECEIPT_SLACK_MS, type ReceiptSigner } from "../../protocol/receipt.ts";
import type { Evidence } from "../../protocol/round.ts";
import { isRelayed } from "../../sal/relay/relayName.ts";
import { rootServiceId } from "../../protocol/serviceId.ts";
import { inspectionNonce } from "../../protocol/sortition.ts";
import type { Endpoint } from "../../protocol/record.ts";
import type { Grade } from "../../protocol/tally.ts";
import type { Transport } from "../../protocol/transport.ts";
import type { AuditorMetrics } from "../metrics.ts";
import { approachesTo } from "./approach.ts";
import { failed, type Finding } from "./finding.ts";
import { inspect, medianGrade } from "./inspect.ts";
import type { Locate } from "./locator.ts";
import type { SalParts } from "./salContact.ts";

/** Inspections behind one vote. */
export const INSPECTIONS = 3;

/** Share of the time up to the last moment at which an inspection may begin; the rest is for locating. */
const LOCATING = 0.9;

/** Concurrent inspections: at most 64 MiB of bodies, and enough for a shard of dead services. */
const MAX_PARALLEL = 64;

/** A vote on a service, and the receipt that proves the contact unless it is FAILED. */
export interface Vote {
  number: bigint;
  grade: Grade;
  /** And the transport over which it was given, for the operator. */
  evidence?: Evidence & { transport?: Transport };
}

/** When the inspections of an epoch may start and must have ended, in the chain's time, Unix seconds. */
export interface InspectionWindow {
  from: number;
  to: number;
  deadline: number;
}

export interface InspectorDependencies {
  time: ChainTime;
  timers: Timers;
  locate: Locate;
  receipts: ReceiptSigner;
  resolve?: Resolve;
  /** Without it, the auditor does not speak the SAL, and casts no vote on a service that speaks nothing else. */
  sal?: SalParts | undefined;
  log: Logger;
  metrics?: Pick<AuditorMetrics, "inspected" | "voted" | "running">;
}

/** Turns a service into a vote. */
export interface Voter {
  /** @returns Undefined if the state of the service cannot be determined from here; then it gets no vote. */
  vote(
    service: AuditedService,
    epoch: number,
    y: Hex,
    window: InspectionWindow,
    signal: AbortSignal,
  ): Promise<Vote | undefined>;
}

export interface InspectorOptions {
  /** For a devnet: services on loopback are inspected, too. */
  allowLoopback: boolean;
  /** Concurrent inspections, each with a connection and a body of at most 1 MiB. */
  maxParallel?: number;
}

/**
 * Turns a service into a vote: the median of inspections at random moments. Regardless of the number of drawn
 * services and of their speed, a limited number of inspections run at a time. Each has its own time limit, so
 * a hostile service occupies only its own places, and only for that time.
 */
export class Inspector implements Voter {
  readonly #dependencies: InspectorDependencies;
  readonly #allowLoopback: boolean;
  readonly #queue: PQueue;

  constructor(options: InspectorOptions, dependencies: InspectorDependencies) {
    this.#allowLoopback = options.allowLoopback;
    this.#queue = new PQueue({ concurrency: options.maxParallel ?? MAX_PARALLEL });
    this.#dependencies = dependencies;
  }

  /** Inspects a service within the window. */
  async vote(
    service: AuditedService,
    epoch: number,
    y: Hex,
    window: InspectionWindow,
    signal: AbortSignal,
  ): Promise<Vote | undefined> {
    const { number } = service;
    const { log, metrics, time } = this.#dependencies;
    // Every inspection gives the service all the time that its class allows, or is not made.
    const latest = window.deadline - service.bounds.poorMs / 1000;
    const skip = () => {
      log.warn("no vote: not enough time is left to inspect the service", {
        epoch,
        number,
        neededMs: service.bounds.poorMs,
        leftMs: Math.max(0, Math.round((window.deadline - time.now()) * 1000)),
      });
    };
    if (time.now() > latest) {
      skip();
      return undefined;
    }
    // One of them resumes its session, if it has one; the service cannot know which.
    const resuming = randomInt(INSPECTIONS);
    const attempts = Array.from({ length: INSPECTIONS }, (_, index) =>
      this.#attempt(service, { epoch, y, window, latest, signal, resumes: index === resuming }),
    );
    const ended = await Promise.all(attempts);
    const results = ended.filter((result) => typeof result === "object");
    if (results.length === 0) {
      if (!ended.includes("unspoken")) skip();
      return undefined;
    }
    const findings = results.map(({ finding }) => finding);
    const grade = medianGrade(findings);
    metrics?.voted(grade);
    log.info("service inspected", {
      epoch,
      number,
      grade,
      milliseconds: findings.map((finding) => Math.round(finding.elapsedMs)),
      transports: findings.map(({ transport }) => transport ?? "none"),
      ...(findings.some((finding) => finding.isRelayed) && { relayed: true }),
      reasons: findings.flatMap((finding) => finding.reason ?? []),
      ...(results.length < INSPECTIONS && { skipped: INSPECTIONS - results.length }),
    });
    // A median above FAILED has an inspection above FAILED, which has a receipt.
    const proven = results.find(({ finding }) => finding.receipt !== undefined);
    if (grade === 0 || proven?.finding.receipt === undefined) return { number, grade: 0 };
    const { nonce, channel, issuedAt, signature } = proven.finding.receipt;
    const salt = proven.salts.get(nonce);
    if (salt === undefined) throw new RangeError("A receipt answers a nonce that was not drawn.");
    const { transport } = proven.finding;
    const evidence = { number, salt, channel, issuedAt, signature };
    return { number, grade, evidence: { ...evidence, ...(transport && { transport }) } };
  }

  /**
   * One inspection; undefined if there was no place for it in time, or if the service could not be located, and
   * "unspoken" if this auditor does not speak the service's transports: none of these is the service's fault.
   */
  async #attempt(
    service: AuditedService,
    round: {
      epoch: number;
      y: Hex;
      window: InspectionWindow;
      /** The last moment at which the class's time is left, Unix seconds. */
      latest: number;
      resumes: boolean;
      signal: AbortSignal;
    },
  ): Promise<{ salts: ReadonlyMap<Hex, Hex>; finding: Finding } | "unspoken" | undefined> {
    const { time, metrics } = this.#dependencies;
    const { epoch, y, window, signal, resumes } = round;
    // Some time before the last moment: the service is located first.
    const to = Math.min(window.to, window.from + LOCATING * (round.latest - window.from));
    await time.until(randomMoment({ ...window, to }), signal);
    const queue = this.#queue;
    const waits = queue.pending >= queue.concurrency;
    const attempt = async () => {
      metrics?.running(queue.pending);
      // Starting late, for lack of a place or because the chain's time has jumped, would leave the service
      // less time than others.
      const last = waits ? window.to : (window.to + window.deadline) / 2;
      if (time.now() > Math.min(last, round.latest)) return undefined;
      const salts = new Map<Hex, Hex>();
      const nonce = () => {
        const salt = bytesToHex(randomBytes(32));
        const drawn = inspectionNonce(y, service.number, salt);
        salts.set(drawn, salt);
        return drawn;
      };
      const { deadline } = window;
      const endpoints = await this.#locate(service, signal);
      if (endpoints === undefined || time.now() > round.latest) return undefined;
      const limits = { epoch, nonce, resumes, deadline, signal };
      const finding = await this.#inspect(service, endpoints, limits);
      if (finding === undefined) {
        const { number } = service;
        const uris = endpoints.map(({ uri }) => uri);
        this.#dependencies.log.warn("no inspection: the transport is not spoken here", {
          ...{ epoch, number, uris },
        });
        return "unspoken";
      }
      metrics?.inspected(finding);
      return { salts, finding };
    };
    try {
      return await queue.add(attempt, { signal });
    } finally {
      metrics?.running(queue.pending);
    }
  }

  /** Finds the endpoints. Undefined: the service cannot be located. */
  async #locate(
    service: AuditedService,
    signal: AbortSignal,
  ): Promise<readonly Endpoint[] | undefined> {
    try {
      return await this.#dependencies.locate(service, signal);
    } catch (error) {
      signal.throwIfAborted();
      this.#dependencies.log.warn("the service cannot be located", {
        number: service.number,
        error,
      });
      return undefined;
    }
  }

  /** Undefined: this auditor does not speak the transports that the record names. */
  async #inspect(
    service: AuditedService,
    endpoints: readonly Endpoint[],
    limits: {
      epoch: number;
      nonce: () => Hex;
      resumes: boolean;
      deadline: number;
      signal: AbortSignal;
    },
  ): Promise<Finding | undefined> {
    const { time, sal } = this.#dependencies;
    const { probe, className } = service;
    const { epoch, nonce, resumes } = limits;
    if (endpoints.length === 0) return failed("no_endpoint", "no endpoint published");
    if (probe === undefined) return failed("no_probe", "no valid probe");
    if (!suitsClass(probe, className)) {
      return failed("no_probe", `a probe that does not suit the class ${className}`);
    }
    const request = probe.requests[randomInt(probe.requests.length)];
    if (request === undefined) return failed("no_probe", "no valid probe");
    const { usable, hasForeign } = approachesTo(endpoints, request, sal !== undefined);
    // Each transport that the record names has to work.
    const approach = usable[randomInt(Math.max(1, usable.length))];
    if (approach === undefined) {
      if (hasForeign) return undefined;
      return failed("no_endpoint", "no endpoint over which the request can be made");
    }
    const finding = await inspect(
      {
        serviceId: rootServiceId(service.number),
        key: service.key,
        approach,
        request,
        nonce,
        resumes,
        bounds: service.bounds,
        timeMs: Math.floor((limits.deadline - time.now()) * 1000),
        issuedWithin: {
          from: epochStart(time.timing, epoch) * 1000 - RECEIPT_SLACK_MS,
          to: epochStart(time.timing, epoch + 1) * 1000 + RECEIPT_SLACK_MS,
        },
        allowLoopback: this.#allowLoopback,
      },
      this.#dependencies,
      limits.signal,
    );
    const isBehindRelays = finding !== undefined && approach.endpoints.every(isRelayed);
    return isBehindRelays ? { ...finding, isRelayed: true } : finding;
  }
}

/** Unpredictable, so that a service cannot behave well at the right moment only. */
function randomMoment(window: InspectionWindow): number {
  const share = randomInt(1_000_000) / 1_000_000;
  return window.from + share * Math.max(0, window.to - window.from);
}
