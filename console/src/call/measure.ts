/** Asks a service from here: its price, and how long an answer takes that its receipt proves. */
import { BlockcloudError } from "@protocol/errors.ts";
import { ReceiptSigner } from "@protocol/receipt.ts";
import { blockcloudDomain } from "@protocol/typedData.ts";
import { PAYMENT_HEADER } from "@protocol/x402.ts";
import { newestBy, readAnnounced, waysOf } from "../chain/records.ts";
import type { Head } from "../chain/head.ts";
import type { Sources } from "../context.tsx";
import {
  callDirectly,
  callThrough,
  newNonce,
  prove,
  type Proof,
  type Question,
  type ServiceAnswer,
} from "./call.ts";
import { priceOf, unacceptablePayment, type Price } from "./price.ts";
import { probeRequest } from "./probe.ts";
import { findTarget, type Target } from "./target.ts";

/** What one visit found. */
export interface Measured {
  /** The request line, without the host. */
  asked: string;
  price: Price;
  /** From the request to the last byte, milliseconds, by the page's clock. */
  ms: number;
  status: number;
  /** Only what a receipt proves is an answer of the service. */
  proof: Proof["kind"];
  /** Code of what is wrong with the receipt. */
  code: string | undefined;
  way: "direct" | "relayed";
}

/**
 * Calls a service twice with the first request of its probe: the first call learns the price, and finds and connects
 * the service; the second one is timed.
 *
 * @throws BlockcloudError of `findTarget`, `probeRequest`, `callThrough`, `callDirectly`; `ENDPOINT_NONE`.
 */
export async function measure(
  sources: Sources,
  head: Head,
  number: bigint,
  signal: AbortSignal,
): Promise<Measured> {
  const { client, config } = sources;
  const { chainId, contracts } = config.deployment;
  const [target, request] = await Promise.all([
    findTarget(number.toString(), client, config.deployment),
    probeRequest(sources, number, head.epoch),
  ]);
  const ask = await asker(sources, head, target, signal);
  const signer = new ReceiptSigner(blockcloudDomain(BigInt(chainId), contracts.registry));
  const visit = async (headers: Readonly<Record<string, string>> = {}) => {
    const question: Question = {
      ...request,
      headers: { ...request.headers, ...headers },
      ...{ service: target.id, nonce: newNonce() },
    };
    const from = performance.now();
    const answer = await ask(question);
    const ms = performance.now() - from;
    return { answer, ms, proof: prove(question, answer, target.keys, signer) };
  };
  const first = await visit({ [PAYMENT_HEADER]: unacceptablePayment(chainId) });
  const price = priceOf(first.answer, first.proof.kind === "proven", contracts.token);
  const { answer, ms, proof } = await visit();
  return {
    asked: `${request.method} ${request.path}`,
    ...{ price, ms, status: answer.status, proof: proof.kind },
    code: proof.kind === "proven" ? undefined : proof.error.code,
    way: answer.way ?? (waysOf([answer.endpoint]).isRelayed ? "relayed" : "direct"),
  };
}

/** How this page reaches the service: by the console's server, or from the browser itself. */
async function asker(
  sources: Sources,
  head: Head,
  target: Target,
  signal: AbortSignal,
): Promise<(question: Question) => Promise<ServiceAnswer>> {
  const base = sources.config.call;
  if (base !== undefined) return (question) => callThrough(base, question, signal);
  const endpoint = await announcedUrl(sources, head, target, signal);
  return (question) => callDirectly(endpoint, question, signal);
}

/**
 * The endpoint for HTTP that a root service announced on chain.
 *
 * @throws BlockcloudError `ENDPOINT_NONE`.
 */
export async function announcedUrl(
  sources: Sources,
  head: Head,
  { number, keys, isRoot }: Target,
  signal: AbortSignal,
): Promise<string> {
  const { records } = await readAnnounced(sources, head, signal, number);
  const record = keys
    .map((key) => newestBy(records, number, key))
    .find((each) => each !== undefined);
  const endpoint = record?.record.endpoints.find(({ uri }) => /^https?:/.test(uri));
  if (endpoint !== undefined && isRoot) return endpoint.uri;
  throw new BlockcloudError("ENDPOINT_NONE", "The service has announced no endpoint for HTTP.", {
    remedy: "Serve the page by blockcloud console run, which looks for the live record.",
  });
}
