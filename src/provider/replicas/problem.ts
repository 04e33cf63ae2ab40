import type { HttpResponse } from "../../node/http/response.ts";
import { BlockcloudError } from "../../protocol/errors.ts";

/** Why a publisher refuses a lease: status, what is wrong, and the remedy at the instance. */
const problems = {
  INSTANCE_LEASE_MALFORMED: {
    status: 400,
    title: "This is no lease of an instance",
    remedy: "Run the same version at all instances.",
  },
  INSTANCE_LEASE_SIGNER: {
    status: 403,
    title: "The lease is of another service, or another key has signed it",
    remedy: "Give all instances the same service and the same service key.",
  },
  INSTANCE_LEASE_TIMES: {
    status: 409,
    title: "The lease has ended, is from the future, or is not newer than the last one",
    remedy: "Let the hosts of all instances read the same chain.",
  },
  INSTANCES_FULL: {
    status: 409,
    title: "The record has no room for one more instance",
    remedy: "A record has 16 endpoints and 2,048 bytes: put several instances behind one address.",
  },
  INSTANCE_REQUEST_INVALID: {
    status: 400,
    title: "This address takes only leases of instances, by POST /v1/leases",
    remedy: "Give --join the origin of the publisher's --replicas-listen.",
  },
  INSTANCES_BUSY: {
    status: 429,
    title: "Too many leases came at once",
    remedy: "It is tried again.",
  },
} as const;

export type ReplicaProblemCode = keyof typeof problems;

/** An error of a publisher towards an instance. */
export class ReplicaProblem extends BlockcloudError {
  declare readonly code: ReplicaProblemCode;

  constructor(code: ReplicaProblemCode, cause?: unknown) {
    const { title, remedy, status } = problems[code];
    super(code, `${title}.`, { cause, remedy, retryable: status >= 409 });
    this.name = "ReplicaProblem";
  }

  get response(): HttpResponse {
    const { status, title } = problems[this.code];
    const headers = { "content-type": "application/problem+json", "cache-control": "no-store" };
    const body = JSON.stringify({ type: "about:blank", title, status, code: this.code });
    return { status, headers, body };
  }
}

/** Whether a text is one of the codes. */
export function isReplicaProblem(code: unknown): code is ReplicaProblemCode {
  return typeof code === "string" && Object.hasOwn(problems, code);
}
