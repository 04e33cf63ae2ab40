import {
  isAddressEqual,
  parseAbi,
  parseEventLogs,
  parseSignature,
  type Address,
  type Hex,
} from "viem";
import type { ChainClient } from "../../../chain/client.ts";
import { readRanges } from "../../../chain/logs.ts";
import { contractError } from "../../../chain/transactions/revert.ts";
import type { Call } from "../../../chain/transactions/call.ts";
import { BlockcloudError } from "../../../protocol/errors.ts";
import type { TransferAuthorization } from "../../../protocol/transferAuthorization.ts";
import type { ExactPayload } from "../../../protocol/x402.ts";

/** Errors of BLOC, for the reason that a client gets. */
const errors = [
  "error TokenAuthorizationSignature(address authorizer)",
  "error TokenAuthorizationUsed(address authorizer, bytes32 nonce)",
  "error ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed)",
] as const;
/** The part of EIP-3009 that is needed; older tokens take no signatures of contracts. */
const byParts = parseAbi([
  ...errors,
  "function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)",
]);
const byBytes = parseAbi([
  ...errors,
  "function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, bytes signature)",
]);
const stateAbi = parseAbi([
  "function authorizationState(address authorizer, bytes32 nonce) view returns (bool)",
]);
const eventAbi = parseAbi([
  "event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce)",
  "event AuthorizationCanceled(address indexed authorizer, bytes32 indexed nonce)",
  "event Transfer(address indexed from, address indexed to, uint256 value)",
]);
/** Blocks in which the use of a nonce is looked for: an authorization is at most two minutes old. */
const SEARCHED_BLOCKS = 10_000n;
/** Length of a key's signature in hexadecimal. */
const KEY_SIGNATURE = 132;

/** An authorization and its token. */
export interface Transfer {
  readonly asset: Address;
  readonly authorization: TransferAuthorization;
}

/** What the chain says about an authorization. */
export type AuthorizationState =
  | { readonly state: "used"; readonly transaction: Hex }
  /** It can never pay: cancelled, expired unused, or its nonce was used by another transfer. */
  | { readonly state: "void"; readonly reason: string }
  | { readonly state: "open" };

/** The call that executes an authorization. */
export function transferCall(asset: Address, { authorization, signature }: ExactPayload): Call {
  const { from, to, value, validAfter, validBefore, nonce } = authorization;
  const terms = [from, to, value, validAfter, validBefore, nonce] as const;
  const functionName = "transferWithAuthorization";
  if (signature.length !== KEY_SIGNATURE) {
    return { address: asset, abi: byBytes, functionName, args: [...terms, signature] };
  }
  const { r, s, yParity } = parseSignature(signature);
  return { address: asset, abi: byParts, functionName, args: [...terms, 27 + yParity, r, s] };
}

/**
 * Authorizations of EIP-3009 as the provider's own RPC endpoint shows them. Nothing that a facilitator says counts
 * here.
 */
export class Authorizations {
  readonly #client: ChainClient;
  readonly #confirmations: bigint;

  /** @param confirmations Blocks above a block before its time counts as past. */
  constructor(client: ChainClient, confirmations: number) {
    this.#client = client;
    this.#confirmations = BigInt(confirmations);
  }

  /**
   * Executes an authorization without a transaction: signature, times, nonce and balance.
   *
   * @returns Why the token refuses it; undefined if it would execute it.
   */
  async refusal(asset: Address, payload: ExactPayload): Promise<string | undefined> {
    let call: Call;
    try {
      call = transferCall(asset, payload);
    } catch {
      return "invalid_signature";
    }
    try {
      await this.#client.simulateContract({ ...call, account: payload.authorization.to });
      return undefined;
    } catch (error) {
      const refused = contractError(error);
      if (refused === undefined) throw error;
      return refused.name ?? refused.reason ?? "transfer_refused";
    }
  }

  /** Whether a transaction executed the authorization. */
  async proves(hash: Hex, transfer: Transfer): Promise<boolean> {
    try {
      const receipt = await this.#client.getTransactionReceipt({ hash });
      return receipt.status === "success" && holds(receipt.logs, transfer);
    } catch (error) {
      // A facilitator may name a transaction that does not exist, or not yet.
      if (error instanceof Error && error.name === "TransactionReceiptNotFoundError") return false;
      throw error;
    }
  }

  /** The state of an authorization. */
  async look({ asset, authorization }: Transfer): Promise<AuthorizationState> {
    const { from, nonce, validBefore } = authorization;
    const head = await this.#client.getBlock();
    const used = await this.#client.readContract({
      address: asset,
      abi: stateAbi,
      functionName: "authorizationState",
      args: [from, nonce],
      // At the head that was read: an endpoint that lags behind must not show an older state beside a newer time.
      blockNumber: head.number,
    });
    if (used) return this.#use({ asset, authorization }, head.number);
    const settled = head.number - this.#confirmations;
    if (settled < 0n || head.timestamp < validBefore) return { state: "open" };
    const { timestamp } =
      this.#confirmations === 0n ? head : await this.#client.getBlock({ blockNumber: settled });
    return timestamp < validBefore ? { state: "open" } : { state: "void", reason: "expired" };
  }

  /** Finds the transaction that used a nonce. */
  async #use(transfer: Transfer, head: bigint): Promise<AuthorizationState> {
    const { asset, authorization } = transfer;
    const args = { authorizer: authorization.from, nonce: authorization.nonce };
    const from = head > SEARCHED_BLOCKS ? head - SEARCHED_BLOCKS : 0n;
    const read = async (piece: { from: bigint; to: bigint }) => {
      const range = { fromBlock: piece.from, toBlock: piece.to };
      const [used, cancelled] = await Promise.all([
        this.#client.getLogs({ address: asset, event: eventAbi[0], args, ...range }),
        this.#client.getLogs({ address: asset, event: eventAbi[1], args, ...range }),
      ]);
      return { used: used[0]?.transactionHash, isCancelled: cancelled.length > 0 };
    };
    for await (const { value } of readRanges({ from, to: head }, read, { backward: true })) {
      if (value.isCancelled) return { state: "void", reason: "cancelled" };
      if (value.used === undefined) continue;
      const isOurs = await this.proves(value.used, transfer);
      if (isOurs) return { state: "used", transaction: value.used };
      return { state: "void", reason: "other_transfer" };
    }
    throw new BlockcloudError(
      "PAYMENT_UNPROVEN",
      `The endpoint says that ${authorization.nonce} was used, but shows no event of it.`,
      { retryable: true, remedy: "Use an RPC endpoint that serves the logs of new blocks." },
    );
  }
}

/**
 * Whether logs show that a token executed an authorization. The token's event that follows `AuthorizationUsed` must be
 * the transfer: another one in the same transaction belongs to another authorization.
 */
function holds(
  logs: Parameters<typeof parseEventLogs>[0]["logs"],
  { asset, authorization: { from, to, value, nonce } }: Transfer,
): boolean {
  const events = parseEventLogs({ abi: eventAbi, logs }).filter(({ address }) =>
    isAddressEqual(address, asset),
  );
  return events.some((event, index) => {
    if (event.eventName !== "AuthorizationUsed") return false;
    const { args } = event;
    if (!isAddressEqual(args.authorizer, from) || args.nonce !== nonce) return false;
    const next = events[index + 1];
    if (next?.eventName !== "Transfer") return false;
    const sum = next.args;
    return isAddressEqual(sum.from, from) && isAddressEqual(sum.to, to) && sum.value === value;
  });
}
