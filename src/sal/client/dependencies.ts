import type { Hex } from "viem";
import type { Logger } from "../../node/logger.ts";
import type { ReceiptSigner } from "../../protocol/receipt.ts";
import type { Domain } from "../../protocol/typedData.ts";
import type { Payer } from "../pay/payer.ts";
import type { SessionDependencies } from "../session/role.ts";
import type { Transport } from "../transport/link.ts";
import type { DirectPaths } from "../upgrade/directPaths.ts";
import type { Locator } from "./locator.ts";
import type { PathTimes } from "./pathWatch.ts";

/** Why a session moves. */
export type MoveReason =
  /** The link broke, or the provider says that the session went on elsewhere. */
  | "lost"
  /** The path became silent. */
  | "silence"
  /** The provider announced it. */
  | "announced"
  /** This host's own addresses changed. */
  | "interfaces"
  /** This host has slept. */
  | "wake"
  /** The link's keys have protected as many records as they may. */
  | "renewal"
  /** A path without the relay was found. */
  | "direct"
  /** Another way over the relay, for a further try of a direct path. */
  | "upgrade"
  /** An auditor tests whether the service lets sessions move. */
  | "audit";

/** How a session reaches its service. `public`: at an address of the record, without a relay. */
export const pathKinds = ["public", "relay", "lan", "ipv6", "mapped", "punched"] as const;
export type PathKind = (typeof pathKinds)[number];

/** What a program sees of a session's moves. */
export interface PathObserver {
  /** The session goes on over another link. */
  moved?(move: {
    serviceId: Hex;
    reason: MoveReason;
    endpoint: string;
    path: PathKind;
    gapMs: number;
  }): void;
  /** A direct path was tried in vain, or is not tried. */
  staysRelayed?(about: { serviceId: Hex; why: string }): void;
  /** A second link was dialled in vain: the first one gave bytes again. */
  falseAlarm?(serviceId: Hex): void;
}

export interface ClientSessionDependencies extends SessionDependencies {
  transport: Transport;
  locator: Locator;
  receipts: ReceiptSigner;
  domain: Domain;
  log: Logger;
  /** The chain's time, Unix milliseconds. */
  now(): number;
  observer?: PathObserver | undefined;
  /** How to leave relays; undefined: sessions stay on them. */
  direct?: DirectPaths | undefined;
  /** Pays services that have a price; without it their flows end when the free allowance is used up. */
  payer?: Payer | undefined;
  /** Draws the nonce of each link, 32 bytes; default random. An auditor's receipts are evidence, so it draws its own. */
  nonce?: (() => Buffer) | undefined;
  times?: PathTimes | undefined;
  /** Most TLS records of a link in a direction; default 2^24. */
  maxRecords?: number | undefined;
}
