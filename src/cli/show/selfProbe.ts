import { randomBytes } from "node:crypto";
import { inspect } from "../../auditor/inspection/inspect.ts";
import type { Deployment } from "../../chain/deployment.ts";
import type { Moment } from "../../chain/views/contracts.ts";
import type { SelfProbe } from "../../chain/views/probeDiagnosis.ts";
import { auditedEndpoint } from "../../chain/views/recordView.ts";
import type { ServiceView } from "../../chain/views/serviceView.ts";
import type { Timers } from "../../node/timers.ts";
import { bytesToHex } from "../../protocol/bytes.ts";
import { epochStart } from "../../protocol/epoch.ts";
import { requestLine } from "../../protocol/probe.ts";
import { ReceiptSigner } from "../../protocol/receipt.ts";
import { blockcloudDomain } from "../../protocol/typedData.ts";

/** How far a receipt's time may lie outside its epoch, as a claim allows, milliseconds. */
const RECEIPT_SLACK_MS = 60_000;

/**
 * Runs each request of a service's own probe once against its published endpoint, as an auditor would.
 *
 * @returns Undefined without a specification or without an endpoint.
 */
export async function probeService(
  input: { view: ServiceView; moment: Moment; deployment: Deployment; allowLoopback: boolean },
  dependencies: { timers: Timers },
  signal: AbortSignal,
): Promise<SelfProbe | undefined> {
  const { view, moment, deployment } = input;
  const { state, record } = view.record;
  const endpoint = record && state !== "foreign" ? auditedEndpoint(record) : undefined;
  const { specification } = view.probe;
  if (endpoint === undefined || specification === undefined) return undefined;
  const domain = blockcloudDomain(BigInt(deployment.chainId), deployment.contracts.registry);
  const receipts = new ReceiptSigner(domain);
  const requests: SelfProbe["requests"][number][] = [];
  // One request after another, so that concurrent requests do not slow the service down.
  for (const request of specification.requests) {
    const { grade, elapsedMs, reason } = await inspect(
      {
        serviceId: view.id,
        key: view.key.now,
        endpoint,
        request,
        nonce: bytesToHex(randomBytes(32)),
        bounds: view.class,
        timeMs: view.class.poorMs,
        issuedWithin: {
          from: epochStart(deployment, moment.epoch) * 1000 - RECEIPT_SLACK_MS,
          to: epochStart(deployment, moment.epoch + 1) * 1000 + RECEIPT_SLACK_MS,
        },
        allowLoopback: input.allowLoopback,
      },
      {
        timers: dependencies.timers,
        receipts,
        time: { head: () => moment, now: () => moment.timestamp },
      },
      signal,
    );
    requests.push({ request: requestLine(request), grade, elapsedMs, reason });
  }
  return { endpoint, requests };
}
