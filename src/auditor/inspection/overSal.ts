import { callService } from "../../net/callService.ts";
import { checkReceipt } from "../../protocol/checkReceipt.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { HTTP_PORT, type ExchangeProbe } from "../../protocol/exchange.ts";
import { rawName } from "../../protocol/name.ts";
import type { HttpProbe, RpcProbe } from "../../protocol/probe.ts";
import { readExpected, writeExchange } from "./exchange.ts";
import {
  MAX_BODY_BYTES,
  type Contact,
  type InspectDependencies,
  type Inspection,
} from "./inspection.ts";
import { ask } from "./question.ts";
import type { Fault } from "./responseCheck.ts";
import { contactOverSal, type SalContact } from "./salContact.ts";

/**
 * Contacts a service over the SAL: the receipt in its greeting is the evidence, so the request carries no nonce, as an
 * ordinary program's does not.
 *
 * @throws BlockcloudError of `salErrors`, as `callService`, or `NET_TIMEOUT`; or the signal's reason.
 */
export async function inspectOverSal(
  inspection: Inspection,
  dependencies: InspectDependencies,
  signal: AbortSignal,
): Promise<Contact> {
  const { serviceId, key, approach, request, nonce, issuedWithin, timeMs } = inspection;
  const { receipts, time, sal } = dependencies;
  if (sal === undefined) throw new RangeError("This auditor does not speak the SAL.");
  const late = new AbortController();
  const cancel = sal.clock.after(timeMs, () => {
    late.abort(new BlockcloudError("NET_TIMEOUT", `No response in ${timeMs} ms.`));
  });
  const limit = AbortSignal.any([signal, late.signal]);
  let contact: SalContact | undefined;
  try {
    const { endpoints } = approach;
    const port = "expect" in request ? request.port : HTTP_PORT;
    const now = () => time.now() * 1000;
    const target = { serviceId, key, endpoints, port, nonce };
    contact = await contactOverSal(target, sal, { receipts, now }, limit);
    const { receipt } = contact;
    // The greeting has checked the rest.
    checkReceipt(receipt, { ...receipt, key, issuedWithin }, receipts);
    const fault =
      "expect" in request
        ? await exchange(request, inspection, contact, limit)
        : await call({ ...inspection, request }, dependencies, contact, limit);
    return fault === undefined ? { receipt } : { fault };
  } finally {
    cancel();
    contact?.close();
  }
}

async function exchange(
  request: ExchangeProbe,
  { resumes }: Inspection,
  contact: SalContact,
  signal: AbortSignal,
): Promise<Fault | undefined> {
  const { send, expect } = writeExchange(request);
  if (send.length > 0) contact.flow.write(send);
  if (resumes) await contact.resume(signal);
  return readExpected(contact.flow, expect, signal);
}

async function call(
  inspection: Inspection & { request: HttpProbe | RpcProbe },
  { time }: InspectDependencies,
  contact: SalContact,
  signal: AbortSignal,
): Promise<Fault | undefined> {
  const { serviceId, request, timeMs, allowLoopback, resumes } = inspection;
  const question = ask(request, time);
  const { flow } = contact;
  const over = { flow, host: rawName(serviceId) };
  const limits = { timeMs, maxBytes: MAX_BODY_BYTES, allowLoopback };
  // The response waits in the flow until the session has moved.
  if (resumes) flow.pause();
  const calling = callService({ ...question, endpoint: "", over }, limits, signal);
  const moving = async () => {
    if (!resumes) return;
    await contact.resume(signal);
    flow.resume();
  };
  const [{ response }] = await Promise.all([calling, moving()]);
  return question.fault(response);
}
