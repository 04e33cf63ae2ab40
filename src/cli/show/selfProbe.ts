import { randomBytes } from "node:crypto";
import { approachesTo } from "../../auditor/inspection/approach.ts";
import { INSPECTIONS } from "../../auditor/inspection/inspector.ts";
import { inspect } from "../../auditor/inspection/inspect.ts";
import type { Deployment } from "../../chain/deployment.ts";
import type { Moment } from "../../chain/views/contracts.ts";
import type { SelfProbe } from "../../chain/views/probeDiagnosis.ts";
import { auditedEndpoints } from "../../chain/views/recordView.ts";
import type { ServiceView } from "../../chain/views/serviceView.ts";
import { DialRules } from "../../net/dialRules.ts";
import { silentLogger } from "../../node/logger.ts";
import { systemScheduler } from "../../node/scheduler.ts";
import type { Timers } from "../../node/timers.ts";
import { bytesToHex } from "../../protocol/bytes.ts";
import { epochStart } from "../../protocol/epoch.ts";
import { requestLine } from "../../protocol/probe.ts";
import { RECEIPT_SLACK_MS, ReceiptSigner } from "../../protocol/receipt.ts";
import { blockcloudDomain } from "../../protocol/typedData.ts";
import { TlsTransport } from "../../sal/transport/tlsTransport.ts";

/** The reason where an auditor with this software would cast no vote. */
const UNSPOKEN = "the service speaks another version of the SAL: update this software";

/**
 * Runs each request of a service's own probe once over each transport of its published record, as an auditor would.
 *
 * @returns Undefined without a specification or without an endpoint.
 */
export async function probeService(
  input: { view: ServiceView; moment: Moment; deployment: Deployment; allowLoopback: boolean },
  dependencies: { timers: Timers },
  signal: AbortSignal,
): Promise<SelfProbe | undefined> {
  const { view, moment, deployment, allowLoopback } = input;
  const { state, record } = view.record;
  const endpoints = record && state !== "foreign" ? auditedEndpoints(record) : [];
  const { specification } = view.probe;
  if (endpoints.length === 0 || specification === undefined) return undefined;
  const domain = blockcloudDomain(BigInt(deployment.chainId), deployment.contracts.registry);
  const requests: SelfProbe["requests"][number][] = [];
  const runs = specification.requests.flatMap((request) => {
    const { usable } = approachesTo(endpoints, request, true);
    return usable.map((approach) => ({ request, approach }));
  });
  // One request after another, so that concurrent requests do not slow the service down.
  for (const [index, { request, approach }] of runs.entries()) {
    const { transport } = approach;
    const [endpoint = ""] = approach.endpoints;
    const finding = await inspect(
      {
        serviceId: view.id,
        key: view.key.now,
        approach,
        request,
        nonce: () => bytesToHex(randomBytes(32)),
        // Over the SAL one of three resumes, as with auditors; here it is the first one, so that each run says the same.
        resumes: index % INSPECTIONS === 0,
        bounds: view.class,
        timeMs: view.class.poorMs,
        issuedWithin: {
          from: epochStart(deployment, moment.epoch) * 1000 - RECEIPT_SLACK_MS,
          to: epochStart(deployment, moment.epoch + 1) * 1000 + RECEIPT_SLACK_MS,
        },
        allowLoopback,
      },
      {
        timers: dependencies.timers,
        receipts: new ReceiptSigner(domain),
        time: { head: () => moment, now: () => moment.timestamp },
        sal: {
          transport: new TlsTransport(new DialRules({ allowLoopback })),
          clock: systemScheduler,
          domain,
          log: silentLogger,
        },
      },
      signal,
    );
    const unspoken = { grade: 0, elapsedMs: 0, reason: UNSPOKEN } as const;
    const { grade, elapsedMs, reason } = finding ?? unspoken;
    const asked = { request: requestLine(request), endpoint, transport };
    requests.push({ ...asked, grade, elapsedMs, reason });
  }
  return { requests };
}
