import type { Provider } from "./provider.ts";

/** A wallet that announced itself (EIP-6963). All texts are the wallet's own: strangers' texts. */
export interface Announced {
  readonly uuid: string;
  readonly name: string;
  readonly rdns: string;
  readonly provider: Provider;
}

/** Wallets that are shown. */
const MOST = 16;
/** Longest text of a wallet that is kept. */
const MAX_TEXT = 64;

/** The part of a window that is used here. */
export interface Target {
  addEventListener(type: string, listener: (event: Event) => void): void;
  removeEventListener(type: string, listener: (event: Event) => void): void;
  dispatchEvent(event: Event): boolean;
}

/**
 * Looks for wallets until it is ended. Their icons are not shown: they are strangers' data.
 *
 * @param found Called with all wallets whenever one is new.
 */
export function discoverWallets(
  target: Target,
  found: (wallets: readonly Announced[]) => void,
): () => void {
  const wallets = new Map<string, Announced>();
  const announced = (event: Event) => {
    const wallet = readAnnounced((event as CustomEvent<unknown>).detail);
    if (wallet === undefined || wallets.has(wallet.uuid) || wallets.size >= MOST) return;
    wallets.set(wallet.uuid, wallet);
    found([...wallets.values()]);
  };
  target.addEventListener("eip6963:announceProvider", announced);
  target.dispatchEvent(new Event("eip6963:requestProvider"));
  return () => {
    target.removeEventListener("eip6963:announceProvider", announced);
  };
}

function readAnnounced(detail: unknown): Announced | undefined {
  if (typeof detail !== "object" || detail === null) return undefined;
  const { info, provider } = detail as { info?: unknown; provider?: unknown };
  if (typeof info !== "object" || info === null) return undefined;
  const { uuid, name, rdns } = info as Record<string, unknown>;
  if (typeof uuid !== "string" || typeof name !== "string" || typeof rdns !== "string") {
    return undefined;
  }
  if (typeof provider !== "object" || provider === null || !("request" in provider))
    return undefined;
  if (typeof provider.request !== "function") return undefined;
  const short = (text: string) => text.slice(0, MAX_TEXT);
  return {
    uuid: short(uuid),
    name: short(name),
    rdns: short(rdns),
    provider: provider as Provider,
  };
}
