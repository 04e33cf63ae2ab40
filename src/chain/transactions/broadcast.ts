import type { Hex } from "viem";
import { AnswerError } from "../rpc/faults.ts";
import { JsonRpc } from "../rpc/jsonRpc.ts";

/** How long an endpoint may take to accept a transaction, milliseconds. */
const TIMEOUT_MS = 10_000;

/**
 * What an endpoint made of a transaction. `spent`: its nonce is used; `underpriced`: another one with its
 * nonce pays as much, or nodes ask for more; `capped`: it pays more than the node's operator allows;
 * `refused`: by the node's rules, say for lack of ether; `doubtful`: there was no answer, or one that does
 * not tell whether it was taken.
 */
export type ReceptionKind =
  "accepted" | "spent" | "underpriced" | "capped" | "refused" | "doubtful";

/** What became of a transaction that was handed out to all endpoints. */
export interface Reception {
  kind: ReceptionKind;
  /** The node's words. */
  reason: string;
  /** Whether an endpoint has taken it or may have, whatever the others say. */
  maybeTaken: boolean;
}

/**
 * Nodes have no codes for these, only words: geth's, Anvil's, Hardhat's, reth's, Erigon's, Nethermind's and
 * Besu's. The first that fits counts.
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
/** JSON-RPC's internal error: the node does not know itself what became of the request. */
const INTERNAL = -32_603;
/** What counts where endpoints disagree. */
const ORDER: readonly ReceptionKind[] = [
  "accepted",
  "spent",
  "underpriced",
  "capped",
  "refused",
  "doubtful",
];

/** Hands a signed transaction to all endpoints: one that drops it does not keep it from the others. */
export class Broadcast {
  readonly #endpoints: readonly JsonRpc[];

  constructor(rpcUrls: readonly string[]) {
    this.#endpoints = rpcUrls.map((url) => new JsonRpc({ url, timeoutMs: TIMEOUT_MS }));
  }

  /** Ends with the first endpoint that takes it, or when all have answered. */
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
      return { ...(first ?? { kind: "refused", reason: "No RPC endpoint is named." }), maybeTaken };
    }
  }
}

async function hand(endpoint: JsonRpc, raw: Hex): Promise<Omit<Reception, "maybeTaken">> {
  try {
    await endpoint.request("eth_sendRawTransaction", [raw]);
    return { kind: "accepted", reason: "" };
  } catch (error) {
    const reason = error instanceof Error ? error.message : "no answer";
    // A revert: the node has executed it, and may have put it into a block.
    if (!(error instanceof AnswerError)) return { kind: "doubtful", reason };
    const [, kind] = WORDS.find(([pattern]) => pattern.test(error.reason)) ?? [];
    const otherwise = error.nodeCode === INTERNAL ? "doubtful" : "refused";
    return { kind: kind ?? otherwise, reason: error.reason };
  }
}
