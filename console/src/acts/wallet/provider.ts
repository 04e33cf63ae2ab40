import type { Address, Hex } from "viem";
import { BlockcloudError } from "../../../../src/protocol/errors.ts";
import { describeRefusal, refusalOf, saidBy } from "../refusal.ts";

/** A wallet as EIP-1193 describes it. */
export interface Provider {
  request(call: { method: string; params?: readonly unknown[] }): Promise<unknown>;
  on?(event: string, listener: (value: unknown) => void): void;
  removeListener?(event: string, listener: (value: unknown) => void): void;
}

/** Codes of EIP-1193, EIP-3326 and EIP-1474 after which nothing was sent. */
const REJECTED = 4001;
const UNKNOWN_CHAIN = 4902;
const BUSY = -32_002;
const NOT_SENT = new Set([
  REJECTED,
  4100,
  4200,
  4900,
  4901,
  UNKNOWN_CHAIN,
  -32_600,
  -32_601,
  -32_602,
]);

/** A wallet's error in the page's terms. */
export function walletError(what: string, error: unknown): BlockcloudError {
  if (error instanceof BlockcloudError) return error;
  if (refusalOf(error) !== undefined) return describeRefusal(what, error);
  const code = codeOf(error);
  if (code === REJECTED) {
    return new BlockcloudError("WALLET_REJECTED", `You refused ${what} in the wallet.`, {
      cause: error,
      remedy: "Nothing was sent. Send the act again to be asked again.",
    });
  }
  if (code === BUSY) {
    return new BlockcloudError("WALLET_BUSY", "The wallet has an open request.", {
      cause: error,
      remedy: "Open the wallet and answer it.",
    });
  }
  return new BlockcloudError("WALLET_FAILED", `The wallet failed at ${what}: ${saidBy(error)}`, {
    cause: error,
    remedy: "Look into the wallet before you send the act again.",
  });
}

/** Whether a wallet's error shows that it sent nothing. */
export function isNotSent(error: unknown): boolean {
  return NOT_SENT.has(codeOf(error) ?? 0) || refusalOf(error) !== undefined;
}

function codeOf(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "number" ? error.code : undefined;
}

/** Asks the wallet for its account. */
export async function connect(provider: Provider): Promise<Address> {
  let accounts: unknown;
  try {
    accounts = await provider.request({ method: "eth_requestAccounts" });
  } catch (error) {
    throw walletError("the connection", error);
  }
  return firstAccount(accounts);
}

/** @throws BlockcloudError `WALLET_NO_ACCOUNT`. */
export function firstAccount(accounts: unknown): Address {
  const first: unknown = Array.isArray(accounts) ? accounts[0] : undefined;
  if (typeof first === "string" && /^0x[0-9a-f]{40}$/i.test(first)) return first as Address;
  throw new BlockcloudError("WALLET_NO_ACCOUNT", "The wallet shows no account.", {
    remedy: "Unlock the wallet, choose an account for this page, and connect again.",
  });
}

/** @throws BlockcloudError `WALLET_OTHER_CHAIN` if the wallet is on another chain. */
export async function checkWalletChain(provider: Provider, chainId: number): Promise<void> {
  const id = await provider.request({ method: "eth_chainId" }).catch((error: unknown) => {
    throw walletError("the chain's ID", error);
  });
  if (Number(id) === chainId) return;
  throw new BlockcloudError(
    "WALLET_OTHER_CHAIN",
    `The wallet is on chain ${Number(id)}, the deployment is on chain ${chainId}.`,
    { remedy: "Switch the wallet's chain." },
  );
}

/** Asks the wallet to switch to a chain, and to add it if it does not know it. */
export async function switchChain(
  provider: Provider,
  chain: { chainId: number; name: string; rpc: string },
): Promise<void> {
  const chainId: Hex = `0x${chain.chainId.toString(16)}`;
  const change = () =>
    provider.request({ method: "wallet_switchEthereumChain", params: [{ chainId }] });
  try {
    await change().catch(async (error: unknown) => {
      if (codeOf(error) !== UNKNOWN_CHAIN) throw error;
      const added = {
        chainId,
        chainName: chain.name,
        rpcUrls: [chain.rpc],
        nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
      };
      await provider.request({ method: "wallet_addEthereumChain", params: [added] });
      await change();
    });
  } catch (error) {
    throw walletError("the switch of the chain", error);
  }
}
