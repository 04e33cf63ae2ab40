import { BaseError, type Hex } from "viem";

/**
 * The reason why an RPC endpoint gave no usable answer. `error`: a JSON-RPC error that a healthy node never returns;
 * `malformed`: not a valid result of the method; `wrong chain`: it serves another chain.
 */
export type FaultKind =
  "timeout" | "network" | "http" | "limit" | "error" | "malformed" | "wrong chain";

/** A fault of an endpoint. It never contains the URL, which may contain a key. */
export class EndpointFault extends Error {
  readonly kind: FaultKind;
  /** The pause that the endpoint requests, milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(kind: FaultKind, message: string, retryAfterMs?: number) {
    super(message);
    this.name = "EndpointFault";
    this.kind = kind;
    this.retryAfterMs = retryAfterMs;
  }
}

/** A JSON-RPC error object. */
export interface NodeError {
  code: number;
  message: string;
  data?: unknown;
}

/**
 * An error answer of a node that is not a revert. The fields are not called `code` and `data`, because viem takes
 * some codes for a revert, and replaces the node's message for others.
 */
export class AnswerError extends BaseError {
  readonly nodeCode: number;
  readonly nodeData: unknown;
  /** The node's message. */
  readonly reason: string;

  constructor(error: NodeError) {
    super(`${error.message} (${error.code})`, { name: "AnswerError" });
    this.reason = error.message;
    this.nodeCode = error.code;
    this.nodeData = error.data;
  }
}

/** A reverted call, in the shape in which viem expects a revert. */
export class RevertError extends BaseError {
  readonly code = 3;
  readonly data: Hex;

  constructor(reason: string, data: Hex) {
    super(reason, { name: "RevertError" });
    this.data = data;
  }
}

/** The messages of reverts: geth, Erigon, reth, Besu, Anvil, Hardhat, Nethermind. */
const REVERT_WORDS = /\brevert(ed|s)?\b/i;

/**
 * Distinguishes a revert from a failure of the node. A revert has the contract's data or the node's revert message.
 * A code alone is not enough, because nodes use the same codes for their own errors.
 */
export function errorOf(error: NodeError): AnswerError | RevertError {
  const data = revertData(error.data);
  if (data !== undefined) return new RevertError(error.message, data);
  const said = typeof error.data === "string" ? error.data : "";
  if (REVERT_WORDS.test(error.message) || REVERT_WORDS.test(said)) {
    return new RevertError(error.message, "0x");
  }
  return new AnswerError(error);
}

/** Finds an endpoint's fault in a client's error. */
export function findFault(error: unknown): EndpointFault | undefined {
  return find(error, EndpointFault);
}

/** Finds a node's error in a client's error. */
export function findAnswerError(error: unknown): AnswerError | undefined {
  return find(error, AnswerError);
}

/** Describes a failed request by the message of the endpoint or the node, without a URL. */
export function whatFailed(error: unknown): string {
  const told = findFault(error)?.message ?? findAnswerError(error)?.shortMessage;
  if (told !== undefined) return told;
  return error instanceof BaseError ? error.shortMessage : String(error);
}

function find<T extends Error>(error: unknown, kind: new (...args: never[]) => T): T | undefined {
  for (let each = error; each instanceof Error; each = each.cause) {
    if (each instanceof kind) return each;
  }
  return undefined;
}

/** The revert data: a selector and words. Hardhat wraps it in an object, Nethermind puts a word before it. */
function revertData(data: unknown): Hex | undefined {
  const inner = typeof data === "object" && data !== null && "data" in data ? data.data : data;
  if (typeof inner !== "string") return undefined;
  const [hex] = /0x[0-9a-f]{8}(?:[0-9a-f]{64})*$/i.exec(inner) ?? [];
  return hex as Hex | undefined;
}
