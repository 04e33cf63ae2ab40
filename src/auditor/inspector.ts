import { randomBytes, randomInt } from "node:crypto";
import type { Hex } from "viem";
import type { ChainTime } from "../chain/clock.ts";
import type { AuditedService } from "../chain/services.ts";
import type { Logger } from "../node/logger.ts";
import type { Resolve } from "../net/resolve.ts";
import { Slots } from "../node/slots.ts";
import type { Timers } from "../node/timers.ts";
import { bytesToHex } from "../protocol/bytes.ts";
import { epochStart } from "../protocol/epoch.ts";
import { suitsClass } from "../protocol/probe.ts";
import type { ReceiptSigner } from "../protocol/receipt.ts";
import type { Evidence } from "../protocol/round.ts";
import { rootServiceId } from "../protocol/serviceId.ts";
import { inspectionNonce } from "../protocol/sortition.ts";
import type { Grade } from "../protocol/tally.ts";
import { failed, type Finding } from "./finding.ts";
import type { Locate } from "./locate.ts";
import type { AuditorMetrics } from "./metrics.ts";
import { inspect, medianGrade } from "./probe.ts";

/** Inspections behind one vote. */
export const INSPECTIONS = 3;
/** How far a receipt's time may lie outside its epoch: what a claim allows, milliseconds. */
const RECEIPT_SLACK_MS = 60_000;

/** Inspections that run at a time: 64 MiB of bodies at the most, and enough for a shard's worth of dead services. */
const MAX_PARALLEL = 64;

/** A vote on a service, and the receipt that proves the contact unless it is FAILED. */
export interface Vote {
  number: bigint;
  grade: Grade;
  evidence?: Evidence;
}

/** When the inspections of an epoch may begin and must have ended, Unix seconds of the chain's time. */
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
  log: Logger;
  metrics?: Pick<AuditorMetrics, "inspected" | "voted" | "running">;
}

/** Whoever can turn a service into a vote. */
export interface Voter {
  /** @returns Undefined when nothing can be said of the service, which then gets no vote. */
  vote(
    service: AuditedService,
    epoch: number,
    y: Hex,
    window: InspectionWindow,
    signal: AbortSignal,
  ): Promise<Vote | undefined>;
}

export interface InspectorOptions {
  /** The devnet switch: services on loopback are inspected too. */
  allowLoopback: boolean;
  /** Inspections that run at a time, each with a connection and at most a body of 1 MiB. */
  maxParallel?: number;
}

/**
 * Turns a service into a vote: inspections at random moments, and their median. However many services are
 * drawn and however slowly some of them answer, only so many inspections run at a time; each has its own
 * time limit, so that a hostile service holds its few places for that long and no other.
 */
export class Inspector implements Voter {
  readonly #dependencies: InspectorDependencies;
  readonly #allowLoopback: boolean;
  readonly #slots: Slots;

  constructor(options: InspectorOptions, dependencies: InspectorDependencies) {
    this.#allowLoopback = options.allowLoopback;
    this.#slots = new Slots(options.maxParallel ?? MAX_PARALLEL);
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
    const { log, metrics } = this.#dependencies;
    const attempts = Array.from({ length: INSPECTIONS }, () =>
      this.#attempt(service, { epoch, y, window, signal }),
    );
    const results = (await Promise.all(attempts)).filter((result) => result !== undefined);
    if (results.length === 0) {
      log.warn("no time was left to inspect the service", { epoch, number });
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
      reasons: findings.flatMap((finding) => finding.reason ?? []),
    });
    // A median above FAILED has an inspection above FAILED, which has a receipt.
    const proven = results.find(({ finding }) => finding.receipt !== undefined);
    if (grade === 0 || proven?.finding.receipt === undefined) return { number, grade: 0 };
    const { channel, issuedAt, signature } = proven.finding.receipt;
    return { number, grade, evidence: { number, salt: proven.salt, channel, issuedAt, signature } };
  }

  /**
   * One inspection; undefined when there was no place for it in time, or nobody could say where the service
   * is: neither is the service's fault.
   */
  async #attempt(
    service: AuditedService,
    round: { epoch: number; y: Hex; window: InspectionWindow; signal: AbortSignal },
  ): Promise<{ salt: Hex; finding: Finding } | undefined> {
    const { time, metrics } = this.#dependencies;
    const { epoch, y, window, signal } = round;
    await time.until(randomMoment(window), signal);
    const queued = this.#slots.full;
    const giveBack = await this.#slots.take(signal);
    metrics?.running(this.#slots.taken);
    try {
      // Beginning late, for want of a place, would leave the service less time than others have.
      if (queued && time.now() > window.to) return undefined;
      const salt = bytesToHex(randomBytes(32));
      const nonce = inspectionNonce(y, service.number, salt);
      const { deadline } = window;
      const located = await this.#locate(service, signal);
      if (located === undefined) return undefined;
      const limits = { deadline, signal };
      const finding = await this.#inspect(service, located.endpoint, { epoch, nonce, ...limits });
      metrics?.inspected(finding);
      return { salt, finding };
    } finally {
      giveBack();
      metrics?.running(this.#slots.taken);
    }
  }

  /** An inspection goes over HTTP, whatever else the service speaks. Undefined: nobody can say. */
  async #locate(
    service: AuditedService,
    signal: AbortSignal,
  ): Promise<{ endpoint: string | undefined } | undefined> {
    try {
      const endpoints = await this.#dependencies.locate(service, signal);
      return { endpoint: endpoints.find(({ uri }) => /^https?:/.test(uri))?.uri };
    } catch (error) {
      signal.throwIfAborted();
      this.#dependencies.log.warn("nobody can say where the service is", {
        number: service.number,
        error,
      });
      return undefined;
    }
  }

  async #inspect(
    service: AuditedService,
    endpoint: string | undefined,
    limits: { epoch: number; nonce: Hex; deadline: number; signal: AbortSignal },
  ): Promise<Finding> {
    const { time } = this.#dependencies;
    const { probe, className } = service;
    const { epoch, nonce } = limits;
    if (endpoint === undefined) return failed("no_endpoint", "no endpoint published");
    if (probe === undefined) return failed("no_probe", "no valid probe");
    if (!suitsClass(probe, className)) {
      return failed("no_probe", `a probe that does not suit the class ${className}`);
    }
    const request = probe.requests[randomInt(probe.requests.length)];
    if (request === undefined) return failed("no_probe", "no valid probe");
    return inspect(
      {
        serviceId: rootServiceId(service.number),
        key: service.key,
        endpoint,
        request,
        nonce,
        bounds: service.bounds,
        timeMs: Math.max(1, (limits.deadline - time.now()) * 1000),
        issuedWithin: {
          from: epochStart(time.timing, epoch) * 1000 - RECEIPT_SLACK_MS,
          to: epochStart(time.timing, epoch + 1) * 1000 + RECEIPT_SLACK_MS,
        },
        allowLoopback: this.#allowLoopback,
      },
      this.#dependencies,
      limits.signal,
    );
  }
}

/** Unpredictable, so that a service cannot be good at the right moment only. */
function randomMoment(window: InspectionWindow): number {
  const share = randomInt(1_000_000) / 1_000_000;
  return window.from + share * Math.max(0, window.to - window.from);
}
