import type { Hex } from "viem";
import type { NetResponse } from "../net/request.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import type { SignedReceipt } from "../protocol/receipt.ts";

/** Statuses that have no body (Fetch, "null body status"). */
const WITHOUT_BODY: readonly number[] = [101, 103, 204, 205, 304];

/** The proof of a response. */
export interface Proof {
  serviceId: Hex;
  /** The URL of the endpoint that answered. */
  endpoint: string;
  receipt: SignedReceipt;
}

/**
 * A response that the service's key signed for: a standard `Response` with its receipt. Redirects are not
 * followed; they are responses like others.
 */
export class ServiceResponse extends Response implements Proof {
  /** The service that signed. */
  readonly serviceId: Hex;
  /** The URL of the endpoint that answered. */
  readonly endpoint: string;
  /** The receipt, checked: over the nonce, the request, the status and the whole body. */
  readonly receipt: SignedReceipt;

  constructor(body: ResponseParts["body"], init: ResponseInit, proof: Proof) {
    super(body, init);
    this.serviceId = proof.serviceId;
    this.endpoint = proof.endpoint;
    this.receipt = proof.receipt;
  }
}

/** The parts that a `Response` is made of. */
export interface ResponseParts {
  body: Uint8Array<ArrayBuffer> | null;
  init: { status: number; headers: Headers };
}

/** @throws BlockcloudError `NET_PROTOCOL` for what a `Response` cannot express, as a status of 999. */
export function responseParts({ status, headers, body }: NetResponse): ResponseParts {
  if (status < 200 || status > 599) {
    throw new BlockcloudError("NET_PROTOCOL", `A response with the status ${status}.`);
  }
  const list = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    for (const one of Array.isArray(value) ? value : [value ?? ""]) append(list, name, one);
  }
  const hasBody = !WITHOUT_BODY.includes(status);
  return { body: hasBody ? new Uint8Array(body) : null, init: { status, headers: list } };
}

function append(list: Headers, name: string, value: string): void {
  try {
    list.append(name, value);
  } catch (cause) {
    throw new BlockcloudError("NET_PROTOCOL", `A response with a strange field ${name}.`, {
      cause,
    });
  }
}
