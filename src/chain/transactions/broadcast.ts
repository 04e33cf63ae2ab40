import type { Hex } from "viem";
import { AnswerError } from "../rpc/faults.ts";
import { JsonRpc } from "../rpc/jsonRpc.ts";

/** Time limit for an endpoint to accept a transaction, milliseconds. */
const TIMEOUT_MS = 10_000;

/**
 * An endpoint's reaction to a transaction. `spent`: its nonce is used; `underpriced`: another transaction with its
 * nonce pays as much, or the node requires more; `capped`: its fee is above the node's limit; `refused`: the node's
 * rules refuse it, for example for lack of ether; `doubtful`: there was no answer, or an unclear one.
 */
export type ReceptionKind =
  "accepted" | "spent" | "underpriced" | "capped" | "refused" | "doubtful";

/** The outcome of sending a transaction to all endpoints. */
export interface Reception {
  kind: ReceptionKind;
  /** The node's message. */
  reason: string;
  /** Whether an endpoint may have accepted it, regardless of the others. */
  maybeTaken: boolean;
}

/**
 * Nodes have no codes for these outcomes, only messages: those of geth, Anvil, Hardhat, reth, Erigon, Nethermind and
 * Besu. The first match counts.
 */
const WORDS: readonly (readonly [RegExp, ReceptionKind])[] = [
  [
    /already known|known transaction|existing tx with same hash|already (in|imported|exists)|AlreadyKnown|ALREADY_EXISTS/i,
    "accepted",
  ],
  [/nonce (is )?too low|NONCE_TOO_LOW|OldNonce|nonce has already been used/i, "spent"],
  [
    /underpriced|too low to replace|could not replace existing|ReplacementNotAllowed|too low for the next block|less than block base fee|below (the )?(minimum|configured)|FeeTooLow|GAS_PRICE_TOO_LOW/i,
    "underpriced",
  ],
  [/configured cap|fee ?cap (is )?exceeded|exceeds the (fee )?cap|fee .* too high/i, "capped"],
  [
    /insufficient|intrinsic gas|gas limit|chain.?id|sender|signature|not supported|oversized|init ?code/i,
    "refused",
  ],
  [/internal|time.?out|timed out|unavailable|busy|overload|try again|sync|temporar/i, "doubtful"],
];
/** JSON-RPC's internal error: the outcome of the request is unknown. */
const INTERNAL = -32_603;
/** The order of outcomes if endpoints disagree. */
const ORDER: readonly ReceptionKind[] = [
  "accepted",
  "spent",
  "underpriced",
  "capped",
  "refused",
  "doubtful",
];

/** Sends a signed transaction to all endpoints, in case one of them drops it. */
export class Broadcast {
  readonly #endpoints: readonly JsonRpc[];

  constructor(rpcUrls: readonly string[]) {
    this.#endpoints = rpcUrls.map((url) => new JsonRpc({ url, timeoutMs: TIMEOUT_MS }));
  }

  /** Ends when the first endpoint accepts it, or when all have answered. */
  async send(raw: Hex): Promise<Reception> {
    const receptions = this.#endpoints.map((endpoint) => hand(endpoint, raw));
    const accepted = receptions.map(async (reception) => {
      const received = await reception;
      if (received.kind !== "accepted") throw new Error(received.kind);
      return { ...received, maybeTaken: true };
    });
    try {
      return await Promise.any(accepted);
    } catch {
      const all = await Promise.all(receptions);
      const [first] = all.sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
      const maybeTaken = all.some(({ kind }) => kind === "doubtful");
      return { ...(first ?? { kind: "refused", reason: "No RPC endpoint is given." }), maybeTaken };
    }
  }
}

async function hand(endpoint: JsonRpc, raw: Hex): Promise<Omit<Reception, "maybeTaken">> {
  try {
    await endpoint.request("eth_sendRawTransaction", [raw]);
    return { kind: "accepted", reason: "" };
  } catch (error) {
    const reason = error instanceof Error ? error.message : "no answer";
    // After a revert the node has executed it, and may have put it into a block.
    if (!(error instanceof AnswerError)) return { kind: "doubtful", reason };
    const [, kind] = WORDS.find(([pattern]) => pattern.test(error.reason)) ?? [];
    const otherwise = error.nodeCode === INTERNAL ? "doubtful" : "refused";
    return { kind: kind ?? otherwise, reason: error.reason };
  }
}
