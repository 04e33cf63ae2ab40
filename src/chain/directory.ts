import type { Address } from "viem";
import type { Verdict } from "../protocol/tally.ts";
import type { ServiceStatus } from "./services.ts";

/** What the chain says of the root service, as of a block. */
export interface ServiceFacts {
  number: bigint;
  status: ServiceStatus;
  /** The newest service key, which signs for the root and delegates to sub-services. */
  key: Address;
  /** BLOC in wei. */
  stake: bigint;
  /** The newest verdicts with their epochs, newest first; null where the votes missed the quorum. */
  verdicts: readonly { epoch: number; verdict: Verdict }[];
  /** The block that all of this was read at. */
  block: bigint;
}

/** What resolvers and record networks ask the chain; everything is cached until an event or an epoch changes it. */
export interface Directory {
  /** The newest key of a root service and whether it is active; undefined when there is no such service. */
  rootKey(
    number: bigint,
    signal?: AbortSignal,
  ): Promise<{ key: Address; active: boolean } | undefined>;
  /** The same with stake and verdicts; undefined when there is no such service. */
  facts(number: bigint, signal?: AbortSignal): Promise<ServiceFacts | undefined>;
  /** What `facts` said last, without asking. */
  knownFacts(number: bigint): ServiceFacts | undefined;
  /** The service that took a label. Labels are never freed, so it holds for ever. */
  numberOf(label: string, signal?: AbortSignal): Promise<bigint | undefined>;
  /** Calls back when a service's key, status, owner or stake may have changed, or it was registered. */
  onChange(listener: (number: bigint) => void): () => void;
  /** Calls back when a service takes a label. */
  onLabel(listener: (label: string, number: bigint) => void): () => void;
}
