import { BaseError } from "viem";

/**
 * Why an RPC endpoint gave no answer that can be used. `malformed`: not what the method answers;
 * `wrong chain`: it serves another chain.
 */
export type FaultKind = "timeout" | "network" | "http" | "limit" | "malformed" | "wrong chain";

/** An endpoint's own fault. Never holds its URL, which may hold a key. */
export class EndpointFault extends Error {
  readonly kind: FaultKind;

  constructor(kind: FaultKind, message: string) {
    super(message);
    this.name = "EndpointFault";
    this.kind = kind;
  }
}

/** What a node answered instead of a result: JSON-RPC's error object. */
export class AnswerError extends BaseError {
  readonly code: number;
  readonly data: unknown;
  /** The node's words. */
  readonly reason: string;

  constructor(error: { code: number; message: string; data?: unknown }) {
    // viem's own base: it looks into such errors for what a contract says.
    super(error.message, { name: "AnswerError" });
    this.reason = error.message;
    this.code = error.code;
    this.data = error.data;
  }
}

/** Finds an endpoint's fault in what a client threw for it. */
export function findFault(error: unknown): EndpointFault | undefined {
  for (let each = error; each instanceof Error; each = each.cause) {
    if (each instanceof EndpointFault) return each;
  }
  return undefined;
}
