import { createContext, useContext } from "react";
import type { ChainClient } from "./chain/client.ts";
import type { Contracts } from "./chain/contracts.ts";
import type { Head } from "./chain/head.ts";
import type { ConsoleConfig } from "./config.ts";
import type { IndexClient } from "./index/client.ts";

/** What every page reads from. It does not change while the page is open. */
export interface Sources {
  config: ConsoleConfig;
  client: ChainClient;
  contracts: Contracts;
  /** Undefined if config.json names none. */
  index: IndexClient | undefined;
}

export const SourcesContext = createContext<Sources | undefined>(undefined);
export const HeadContext = createContext<Head | undefined>(undefined);

/** The chain, the index and the settings. */
export function useSources(): Sources {
  const sources = useContext(SourcesContext);
  if (sources === undefined) throw new Error("useSources is used outside the shell.");
  return sources;
}

/**
 * A text that changes with the epoch, and else each so many seconds of the chain: for what is dear to read, and need
 * not be read at each block.
 */
export function useEvery(seconds: number): string {
  const { epoch, timestamp } = useHead();
  return `${epoch}/${Math.floor(timestamp / seconds)}`;
}

/** The newest block; it changes while the page is open. */
export function useHead(): Head {
  const head = useContext(HeadContext);
  if (head === undefined) throw new Error("useHead is used outside the shell.");
  return head;
}
