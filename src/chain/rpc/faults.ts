import { BaseError, type Hex } from "viem";

/**
 * Why an RPC endpoint gave no answer that can be used. `error`: a JSON-RPC error where a healthy node never
 * gives one; `malformed`: not what the method answers; `wrong chain`: it serves another chain.
 */
export type FaultKind =
  "timeout" | "network" | "http" | "limit" | "error" | "malformed" | "wrong chain";

/** An endpoint's own fault. Never holds its URL, which may hold a key. */
export class EndpointFault extends Error {
  readonly kind: FaultKind;
  /** How long the endpoint asks to be left alone, milliseconds. */
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
 * What a node answered instead of a result, and what is no revert. The fields are not called `code` and
 * `data`: viem takes an error with some codes for a revert, and replaces the node's words for others.
 */
export class AnswerError extends BaseError {
  readonly nodeCode: number;
  readonly nodeData: unknown;
  /** The node's words. */
  readonly reason: string;

  constructor(error: NodeError) {
    super(`${error.message} (${error.code})`, { name: "AnswerError" });
    this.reason = error.message;
    this.nodeCode = error.code;
    this.nodeData = error.data;
  }
}

/** A call that the contract refuses, in the shape in which viem looks for a revert. */
export class RevertError extends BaseError {
  readonly code = 3;
  readonly data: Hex;

  constructor(reason: string, data: Hex) {
    super(reason, { name: "RevertError" });
    this.data = data;
  }
}

/** Where nodes say that a call reverts: geth, Erigon, reth, Besu, Anvil, Hardhat, Nethermind. */
const REVERT_WORDS = /\brevert(ed|s)?\b/i;

/**
 * Tells a revert from a failure of the node. A revert carries the contract's data or the node's word for
 * it; a code alone says nothing, because nodes use the same ones for errors of their own.
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

/** Finds an endpoint's fault in what a client threw for it. */
export function findFault(error: unknown): EndpointFault | undefined {
  return find(error, EndpointFault);
}

/** Finds a node's error in what a client threw for it. */
export function findAnswerError(error: unknown): AnswerError | undefined {
  return find(error, AnswerError);
}

/** What went wrong with a request, in the words of the endpoint or the node, without a URL. */
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

/** A selector and whole words: Hardhat wraps them in an object, Nethermind puts a word before them. */
function revertData(data: unknown): Hex | undefined {
  const inner = typeof data === "object" && data !== null && "data" in data ? data.data : data;
  if (typeof inner !== "string") return undefined;
  const [hex] = /0x[0-9a-f]{8}(?:[0-9a-f]{64})*$/i.exec(inner) ?? [];
  return hex as Hex | undefined;
}
