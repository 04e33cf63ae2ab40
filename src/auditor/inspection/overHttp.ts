import { callService } from "../../net/callService.ts";
import { checkReceipt } from "../../protocol/checkReceipt.ts";
import type { HttpProbe, RpcProbe } from "../../protocol/probe.ts";
import { decodeReceipt } from "../../protocol/receipt.ts";
import {
  MAX_BODY_BYTES,
  type Contact,
  type InspectDependencies,
  type Inspection,
} from "./inspection.ts";
import { ask } from "./question.ts";

/**
 * Contacts a service by HTTP: the response carries the receipt, which covers it.
 *
 * @throws BlockcloudError as `callService` and `checkReceipt`; TypeError for a request that HTTP cannot express.
 */
export async function inspectOverHttp(
  inspection: Inspection & { request: HttpProbe | RpcProbe },
  { receipts, time, resolve }: InspectDependencies,
  signal: AbortSignal,
): Promise<Contact> {
  const { approach, request, timeMs, allowLoopback } = inspection;
  const question = ask(request, time);
  const nonce = inspection.nonce();
  const [endpoint = ""] = approach.endpoints;
  const { response, receipt, channel } = await callService(
    { ...question, endpoint, nonce },
    { timeMs, maxBytes: MAX_BODY_BYTES, allowLoopback },
    signal,
    resolve,
  );
  const fault = question.fault(response);
  if (fault !== undefined) return { fault };
  if (receipt === undefined) return { fault: ["receipt_missing", "no receipt"] };
  const signed = decodeReceipt(receipt);
  checkReceipt(signed, { ...inspection, nonce, channel: channel() }, receipts);
  return { receipt: signed };
}
