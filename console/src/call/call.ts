/** Calls a service with a nonce, and checks the receipt in the page. */
import { isAddressEqual, zeroAddress, type Address, type Hex } from "viem";
import * as z from "zod";
import { checkReceipt, receiptErrors } from "../../../src/protocol/checkReceipt.ts";
import { BlockcloudError } from "../../../src/protocol/errors.ts";
import {
  decodeReceipt,
  httpChannel,
  NONCE_HEADER,
  RECEIPT_HEADER,
  sha256,
  type ReceiptSigner,
  type SignedReceipt,
} from "../../../src/protocol/receipt.ts";
import { boundedBytes, boundedText } from "../bounded.ts";

/** Longest body that is read, bytes, as the console's server bounds it. */
const MAX_BODY = 1024 * 1024;
/** Longest answer of the console's server: the body in base64, and the fields. */
const MAX_ANSWER = 2 * MAX_BODY;

/** A request to a service. */
export interface Question {
  /** The service's ID. */
  service: Hex;
  method: "GET" | "HEAD" | "POST";
  /** Path and query, below the endpoint's own path. */
  path: string;
  body: Uint8Array<ArrayBuffer>;
  nonce: Hex;
  headers?: Readonly<Record<string, string>>;
}

/** What came back: nothing of it is believed. */
export interface ServiceAnswer {
  status: number;
  headers: readonly (readonly [string, string])[];
  body: Uint8Array;
  /** URL of the endpoint that answered. */
  endpoint: string;
  /** The receipt as it was sent. */
  receipt: string | undefined;
  /** What the console's server found; undefined for a direct call. */
  said: string | undefined;
  /** How the console's server reached the service; undefined if it is not known. */
  way: "direct" | "relayed" | undefined;
}

/** What the receipt shows. */
export type Proof =
  | { kind: "proven"; receipt: SignedReceipt; key: Address }
  | { kind: "missing" | "refused"; error: BlockcloudError };

const answerSchema = z.object({
  status: z.number().int().min(100).max(599),
  headers: z.array(z.tuple([z.string().max(256), z.string().max(16_384)])).max(200),
  body: z.base64(),
  endpoint: z.string().max(512),
  receipt: z.string().max(1_024).nullable(),
  proof: z.string().max(64),
  way: z.enum(["direct", "relayed"]).nullable().default(null),
});
const problemSchema = z.object({
  code: z.string().max(64),
  title: z.string().max(1_000).optional(),
  detail: z.string().max(1_000).optional(),
});

/** A random nonce. */
export function newNonce(): Hex {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return `0x${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/**
 * Calls by the console's server, which finds the service.
 *
 * @param base URL of the server's path for calls.
 * @throws BlockcloudError with the server's code, `CALL_MALFORMED`, `CALL_FAILED`.
 */
export async function callThrough(
  base: string,
  question: Question,
  signal: AbortSignal,
): Promise<ServiceAnswer> {
  const { service, method, path, body, nonce, headers: own } = question;
  const init = {
    method,
    headers: { ...own, [NONCE_HEADER]: nonce },
    ...(body.length > 0 && { body }),
    cache: "no-store" as const,
    signal,
  };
  const response = await tried(() => fetch(`${base}/${service}${path}`, init), signal);
  // The server answers a HEAD of the service with a document, too, which the browser hides.
  const text = await boundedText(response, MAX_ANSWER, () => tooLong(MAX_ANSWER));
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw malformed("no JSON", cause);
  }
  if (!response.ok) {
    const problem = problemSchema.safeParse(json);
    if (!problem.success) throw malformed(`status ${response.status}`, problem.error);
    const { code, title, detail } = problem.data;
    throw new BlockcloudError(code, detail ?? title ?? "The service was not called.");
  }
  const parsed = answerSchema.safeParse(json);
  if (!parsed.success) throw malformed("another form", parsed.error);
  const { status, headers, endpoint, receipt, proof: said, way } = parsed.data;
  // A receipt that the server refused stands in the service's own field.
  const refused = headers.find(([name]) => name.toLowerCase() === RECEIPT_HEADER)?.[1];
  return {
    status,
    headers,
    body: Uint8Array.from(atob(parsed.data.body), (character) => character.charCodeAt(0)),
    endpoint,
    receipt: receipt ?? refused,
    said,
    way: way ?? undefined,
  };
}

/**
 * Calls an endpoint from the page itself, where the service allows it (CORS) and the page's policy does.
 *
 * @throws BlockcloudError `CALL_FAILED`, `CALL_TOO_LONG`.
 */
export async function callDirectly(
  endpoint: string,
  { method, path, body, nonce, headers }: Question,
  signal: AbortSignal,
): Promise<ServiceAnswer> {
  const { origin } = new URL(endpoint);
  const init: RequestInit = {
    method,
    headers: { ...headers, [NONCE_HEADER]: nonce },
    ...(body.length > 0 && { body }),
    cache: "no-store",
    credentials: "omit",
    referrerPolicy: "no-referrer",
    redirect: "manual",
    signal,
  };
  const response = await tried(() => fetch(`${origin}${targetOf(endpoint, path)}`, init), signal);
  return {
    status: response.status,
    headers: [...response.headers],
    body: await boundedBytes(response, MAX_BODY, () => tooLong(MAX_BODY)),
    endpoint,
    receipt: response.headers.get(RECEIPT_HEADER) ?? undefined,
    said: undefined,
    way: undefined,
  };
}

/**
 * Checks the receipt of an answer.
 *
 * @param keys Keys of the service that may sign now, from the chain.
 */
export function prove(
  question: Question,
  answer: ServiceAnswer,
  keys: readonly Address[],
  signer: ReceiptSigner,
): Proof {
  const { receipt: header } = answer;
  if (header === undefined) {
    const remedy = "Its body may say why. Nothing of it is proven.";
    const error = new BlockcloudError(receiptErrors.missing, "The response has no receipt.", {
      remedy,
    });
    return { kind: "missing", error };
  }
  try {
    const receipt = decodeReceipt(header);
    const channel = httpChannel({
      method: question.method,
      target: targetOf(answer.endpoint, question.path),
      requestDigest: sha256(question.body),
      status: answer.status,
      responseDigest: sha256(answer.body),
    });
    const signedBy = signer.recover(receipt);
    const key = keys.find((each) => signedBy !== undefined && isAddressEqual(each, signedBy));
    const expected = { serviceId: question.service, nonce: question.nonce, channel };
    checkReceipt(receipt, { ...expected, key: key ?? keys[0] ?? zeroAddress }, signer);
    return { kind: "proven", receipt, key: key ?? zeroAddress };
  } catch (error) {
    if (error instanceof BlockcloudError) return { kind: "refused", error };
    throw error;
  }
}

/** The target of the request line: the endpoint's path and the path of the request. Flows have no path of their own. */
function targetOf(endpoint: string, path: string): string {
  if (!/^https?:/.test(endpoint)) return new URL(`http://service${path}`).pathname + searchOf(path);
  const { origin, pathname } = new URL(endpoint);
  const url = new URL(`${origin}${pathname.replace(/\/+$/, "")}${path}`);
  return url.pathname + url.search;
}

function searchOf(path: string): string {
  return new URL(`http://service${path}`).search;
}

async function tried(run: () => Promise<Response>, signal: AbortSignal): Promise<Response> {
  try {
    return await run();
  } catch (cause) {
    signal.throwIfAborted();
    throw new BlockcloudError("CALL_FAILED", "The browser got no response.", {
      cause,
      retryable: true,
      remedy:
        "The service may be away, or allow no calls from pages (CORS): call it by blockcloud console run, or with the client.",
    });
  }
}

function tooLong(most: number): BlockcloudError {
  return new BlockcloudError("CALL_TOO_LONG", `The response is above ${most} bytes.`, {
    remedy: "Call the service with a client that takes more.",
  });
}

function malformed(what: string, cause: unknown): BlockcloudError {
  return new BlockcloudError("CALL_MALFORMED", `The console's server sent ${what}.`, {
    cause,
    remedy: "Use a page and a server of the same version.",
  });
}
