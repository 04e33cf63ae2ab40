import type { Duplex } from "node:stream";
import { isAddressEqual, zeroAddress, type Address, type Hex } from "viem";
import { callService, type CalledService } from "../net/callService.ts";
import type { Resolve } from "../net/resolve.ts";
import type { Timers } from "../node/timers.ts";
import { checkReceipt, receiptErrors } from "../protocol/checkReceipt.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { decodeReceipt, type ReceiptSigner, type SignedReceipt } from "../protocol/receipt.ts";
import { rawName } from "../protocol/name.ts";
import { parseServiceId } from "../protocol/serviceId.ts";
import type { Answer } from "../resolver/answer.ts";
import { ReceiptError, UnreachableError, type EndpointFailure } from "./errors.ts";
import type { Question } from "./question.ts";
import { responseParts, ServiceResponse } from "./response.ts";

/** The reasons for failures that may concern only one endpoint. */
const ENDPOINT_FAILURES: readonly string[] = [
  ...["SAL_NO_PATH", "SAL_BUSY", "SAL_LEAVING", "PORT_REFUSED"],
  ...["NET_REFUSED", "NET_TIMEOUT", "NET_TLS", "NET_PROTOCOL", "NET_CODING", "NET_FAILED"],
];

export interface FetchLimits {
  /** Time limit for all endpoints together, milliseconds. */
  timeMs: number;
  /** Size limit of the response body, bytes. */
  maxBytes: number;
  allowLoopback: boolean;
}

export interface FetchDependencies {
  timers: Timers;
  receipts: ReceiptSigner;
  /** Opens a flow to the service's gateway; without it only HTTP is used. */
  connect?: ((serviceId: Hex, signal: AbortSignal) => Promise<Duplex>) | undefined;
  /** Whether flows can pay: then they are tried before HTTP. */
  pays?: boolean | undefined;
  /** Default: the system's name servers. */
  resolveHost?: Resolve | undefined;
}

/**
 * Calls a service at its endpoints, in their order, until one responds, and checks the receipt. A request that is not
 * idempotent goes to the next endpoint only if no byte of it was sent to the previous one.
 *
 * @throws UnreachableError, ReceiptError; BlockcloudError `ENDPOINT_NOT_HTTP`, `NET_TOO_LARGE`; or the
 *   signal's reason.
 */
export async function askService(
  answer: Answer,
  path: string,
  question: Question,
  limits: FetchLimits,
  dependencies: FetchDependencies,
  signal: AbortSignal,
): Promise<ServiceResponse> {
  const { timers, resolveHost, connect, pays = false } = dependencies;
  const { serviceId } = answer;
  const endpoints = usable(answer, connect !== undefined, pays);
  if (endpoints.length === 0) throw noHttp(answer);
  const deadline = timers.monotonic() + limits.timeMs;
  const failures: EndpointFailure[] = [];
  for (const [index, endpoint] of endpoints.entries()) {
    // A silent endpoint must leave time for the others.
    const share = question.repeatable ? endpoints.length - index : 1;
    const timeMs = Math.max(1, (deadline - timers.monotonic()) / share);
    let called: CalledService;
    try {
      const isSal = endpoint.startsWith("sal:");
      const flow = isSal ? await connect?.(serviceId, signal) : undefined;
      const over = flow && { flow, host: rawName(serviceId) };
      const call = { ...question, endpoint, path, ...(over !== undefined && { over }) };
      called = await callService(call, { ...limits, timeMs }, signal, resolveHost);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof BlockcloudError) || !ENDPOINT_FAILURES.includes(error.code)) {
        throw error;
      }
      failures.push({ endpoint, error });
      // A refused request was not sent.
      if (question.repeatable || error.code === "NET_REFUSED") continue;
      break;
    }
    return prove(called, { serviceId, key: signingKey(answer), endpoint, nonce: question.nonce });
  }
  throw new UnreachableError(serviceId, failures);

  function prove(
    { response, receipt, channel }: CalledService,
    expected: { serviceId: Hex; key: Address; endpoint: string; nonce: Hex },
  ): ServiceResponse {
    const { body, init } = responseParts(response);
    let signed: SignedReceipt;
    try {
      if (receipt === undefined) throw missing(response.status);
      signed = decodeReceipt(receipt);
      checkReceipt(signed, { ...expected, channel: channel() }, dependencies.receipts);
    } catch (error) {
      if (!(error instanceof BlockcloudError)) throw error;
      throw new ReceiptError(error, { ...expected, response: new Response(body, init) });
    }
    return new ServiceResponse(body, init, { ...expected, receipt: signed });
  }
}

/** The endpoints to try, in order. A session chooses among those of the SAL by itself, so one of them stands for all. */
function usable({ endpoints }: Answer, hasSal: boolean, salFirst: boolean): string[] {
  const uris = endpoints.map(({ uri }) => uri);
  const sal = uris.find((uri) => uri.startsWith("sal:"));
  const found = uris.filter((uri) => /^https?:/.test(uri) || (hasSal && uri === sal));
  if (!salFirst) return found;
  return [...found.filter((uri) => uri === sal), ...found.filter((uri) => uri !== sal)];
}

/** The key that must sign a receipt: a sub-service's key is in its ID, a root service's is on chain. */
function signingKey({ serviceId, service }: Answer): Address {
  const { self } = parseServiceId(serviceId);
  if (!isAddressEqual(self, zeroAddress)) return self;
  if (service !== undefined) return service.key;
  throw new BlockcloudError(
    "ANSWER_UNSIGNED",
    `The answer does not contain the chain's key of ${serviceId}.`,
    {
      remedy: "Use a resolver that resolves on demand, not by a rule of its service table.",
    },
  );
}

function missing(status: number): BlockcloudError {
  return new BlockcloudError(
    receiptErrors.missing,
    `The response with status ${status} has no receipt.`,
    { remedy: "Its body may contain the reason, but the body is not proven either." },
  );
}

function noHttp({ serviceId, endpoints }: Answer): BlockcloudError {
  const list = endpoints.map(({ uri }) => uri).join(", ");
  return new BlockcloudError(
    "ENDPOINT_NOT_HTTP",
    `${serviceId} has no http or https endpoint: ${list}.`,
    {
      remedy: "Call it by the protocol of its endpoints.",
    },
  );
}
