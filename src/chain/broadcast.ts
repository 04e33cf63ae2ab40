import type { Hex } from "viem";
import { AnswerError } from "./rpc/faults.ts";
import { JsonRpc } from "./rpc/jsonRpc.ts";

/** How long an endpoint may take to accept a transaction, milliseconds. */
const TIMEOUT_MS = 10_000;

/**
 * What became of a transaction that was handed out. `spent`: its nonce is used; `underpriced`: another one
 * with its nonce pays as much, or nodes ask for more; `refused`: by the node's rules, say for lack of
 * ether; `doubtful`: no endpoint answered, one may have taken it all the same.
 */
export type Reception =
  | { kind: "accepted" | "spent" | "underpriced" }
  | { kind: "refused"; reason: string }
  | { kind: "doubtful"; reason: string };

/** Nodes have no codes for these, only words; geth's, Anvil's, Hardhat's, Erigon's and Nethermind's. */
const WORDS: readonly (readonly [RegExp, "accepted" | "spent" | "underpriced"])[] = [
  [/already known|known transaction|already (imported|exists)|AlreadyKnown/i, "accepted"],
  [/nonce (is )?too low|OldNonce|nonce has already been used/i, "spent"],
  [
    /underpriced|too low to replace|too low for the next block|less than block base fee|FeeTooLow/i,
    "underpriced",
  ],
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
      return received;
    });
    try {
      return await Promise.any(accepted);
    } catch {
      // None took it: what they say of it counts, in this order.
      const all = await Promise.all(receptions);
      const find = (kind: Reception["kind"]) => all.find((each) => each.kind === kind);
      return find("spent") ?? find("underpriced") ?? find("refused") ?? all[0] ?? nobody;
    }
  }
}

const nobody: Reception = { kind: "refused", reason: "No RPC endpoint is named." };

async function hand(endpoint: JsonRpc, raw: Hex): Promise<Reception> {
  try {
    await endpoint.request("eth_sendRawTransaction", [raw]);
    return { kind: "accepted" };
  } catch (error) {
    if (!(error instanceof AnswerError)) {
      return { kind: "doubtful", reason: error instanceof Error ? error.message : "no answer" };
    }
    const [, kind] = WORDS.find(([pattern]) => pattern.test(error.reason)) ?? [];
    return kind ? { kind } : { kind: "refused", reason: error.reason };
  }
}
