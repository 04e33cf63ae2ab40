import { randomBytes, randomInt } from "node:crypto";
import type { Hex } from "viem";
import type { Announcements } from "../chain/announcements.ts";
import type { ChainTime } from "../chain/clock.ts";
import type { AuditedService } from "../chain/services.ts";
import type { Logger } from "../node/logger.ts";
import type { Timers } from "../node/timers.ts";
import { bytesToHex } from "../protocol/bytes.ts";
import { epochStart } from "../protocol/epoch.ts";
import type { ReceiptSigner } from "../protocol/receipt.ts";
import type { Evidence } from "../protocol/round.ts";
import { rootServiceId } from "../protocol/serviceId.ts";
import { inspectionNonce } from "../protocol/sortition.ts";
import type { Grade } from "../protocol/tally.ts";
import { failed, type Finding } from "./finding.ts";
import type { AuditorMetrics } from "./metrics.ts";
import { inspect, medianGrade } from "./probe.ts";

/** Inspections behind one vote. */
export const INSPECTIONS = 3;
/** How far a receipt's time may lie outside its epoch: what a claim allows, milliseconds. */
const RECEIPT_SLACK_MS = 60_000;

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
  announcements: Announcements;
  receipts: ReceiptSigner;
  log: Logger;
  metrics?: Pick<AuditorMetrics, "inspected" | "voted" | "running">;
}

/** Whoever can turn a service into a vote. */
export interface Voter {
  vote(
    service: AuditedService,
    epoch: number,
    y: Hex,
    window: InspectionWindow,
    signal: AbortSignal,
  ): Promise<Vote>;
}

/** Turns a service into a vote: inspections at random moments, and their median. */
export class Inspector implements Voter {
  readonly #dependencies: InspectorDependencies;
  readonly #allowLoopback: boolean;

  constructor(options: { allowLoopback: boolean }, dependencies: InspectorDependencies) {
    this.#allowLoopback = options.allowLoopback;
    this.#dependencies = dependencies;
  }

  /** Inspects a service within the window. */
  async vote(
    service: AuditedService,
    epoch: number,
    y: Hex,
    window: InspectionWindow,
    signal: AbortSignal,
  ): Promise<Vote> {
    const { number } = service;
    const attempts = Array.from({ length: INSPECTIONS }, async () => {
      const salt = bytesToHex(randomBytes(32));
      await this.#dependencies.time.until(randomMoment(window), signal);
      const finding = await this.#inspect(service, epoch, inspectionNonce(y, number, salt), {
        deadline: window.deadline,
        signal,
      });
      this.#dependencies.metrics?.inspected(finding);
      return { salt, finding };
    });
    const results = await Promise.all(attempts);
    const findings = results.map(({ finding }) => finding);
    const grade = medianGrade(findings);
    this.#dependencies.metrics?.voted(grade);
    this.#dependencies.log.info("service inspected", {
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

  async #inspect(
    service: AuditedService,
    epoch: number,
    nonce: Hex,
    limits: { deadline: number; signal: AbortSignal },
  ): Promise<Finding> {
    const { time, announcements } = this.#dependencies;
    const record = announcements.record(service.number, service.key);
    // An inspection goes over HTTP, whatever else the service speaks.
    const endpoint = record?.endpoints
      .filter(({ uri }) => /^https?:/.test(uri))
      .sort((a, b) => a.priority - b.priority)[0]?.uri;
    const requests = service.probe?.requests ?? [];
    const request = requests[requests.length > 1 ? randomInt(requests.length) : 0];
    if (endpoint === undefined) return failed("no_endpoint", "no endpoint published");
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
