import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { getAddress, type Address } from "viem";
import { useSources } from "../context.tsx";
import type { PageError } from "../failure.ts";
import { failureOf } from "./ui/failure.ts";
import { discoverWallets, type Announced } from "./wallet/discover.ts";
import { mayUseEmbedded } from "./wallet/embeddedChain.ts";
import { connect, firstAccount, switchChain } from "./wallet/provider.ts";

/** A wallet that shows the page an account. */
export interface Connected {
  wallet: Announced;
  account: Address;
  /** Undefined until the wallet says it. */
  chainId: number | undefined;
}

export interface WalletState {
  found: readonly Announced[];
  connected: Connected | undefined;
  failure: PageError | undefined;
  connect(wallet: Announced): void;
  disconnect(): void;
  switchChain(): void;
}

/** What is connected outlives the page's parts: the reader goes from act to act. */
const store = {
  connected: undefined as Connected | undefined,
  listeners: new Set<() => void>(),
};

function subscribe(listener: () => void): () => void {
  store.listeners.add(listener);
  return () => {
    store.listeners.delete(listener);
  };
}

function setConnected(change: (before: Connected | undefined) => Connected | undefined): void {
  store.connected = change(store.connected);
  for (const listener of store.listeners) listener();
}

/** The browser's wallets, and the one that is connected. */
export function useWallet(): WalletState {
  const { config } = useSources();
  const [announced, setAnnounced] = useState<readonly Announced[]>([]);
  const [test, setTest] = useState<Announced>();
  const connected = useSyncExternalStore(subscribe, () => store.connected);
  const [failure, setFailure] = useState<PageError>();
  useEffect(() => discoverWallets(globalThis.window, setAnnounced), []);
  useEffect(() => {
    if (!mayUseEmbedded(config)) return;
    let isOpen = true;
    // It is loaded only where it is used.
    void import("./wallet/embedded.ts").then(({ embeddedWallet }) => {
      if (isOpen) setTest(embeddedWallet(config.rpc));
    });
    return () => {
      isOpen = false;
    };
  }, [config]);

  const wallet = connected?.wallet;
  useEffect(() => {
    const provider = wallet?.provider;
    if (provider?.on === undefined) return;
    const accounts = (value: unknown) => {
      setConnected((before) => {
        if (before === undefined) return undefined;
        try {
          return { ...before, account: getAddress(firstAccount(value)) };
        } catch {
          // The wallet was locked, or took its permission back.
          return undefined;
        }
      });
    };
    const chain = (value: unknown) => {
      setConnected((before) => before && { ...before, chainId: Number(value) });
    };
    provider.on("accountsChanged", accounts);
    provider.on("chainChanged", chain);
    return () => {
      provider.removeListener?.("accountsChanged", accounts);
      provider.removeListener?.("chainChanged", chain);
    };
  }, [wallet]);

  const open = useCallback((next: Announced) => {
    setFailure(undefined);
    (async () => {
      const account = getAddress(await connect(next.provider));
      const id = await next.provider.request({ method: "eth_chainId" });
      setConnected(() => ({ wallet: next, account, chainId: Number(id) }));
    })().catch((error: unknown) => {
      setFailure(failureOf(error));
    });
  }, []);
  const change = useCallback(() => {
    if (connected === undefined) return;
    setFailure(undefined);
    const { provider } = connected.wallet;
    const { chainId, network } = config.deployment;
    const name = network ?? `chain ${chainId}`;
    (async () => {
      await switchChain(provider, { chainId, name, rpc: config.rpc });
      const id = await provider.request({ method: "eth_chainId" });
      setConnected((before) => before && { ...before, chainId: Number(id) });
    })().catch((error: unknown) => {
      setFailure(failureOf(error));
    });
  }, [config, connected]);
  const close = useCallback(() => {
    setConnected(() => undefined);
  }, []);
  const found = useMemo(
    () => (test === undefined ? announced : [...announced, test]),
    [announced, test],
  );
  return { found, connected, failure, connect: open, disconnect: close, switchChain: change };
}
