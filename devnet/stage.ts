import path from "node:path";
import type { Address } from "viem";
import type { ChainClient } from "../src/chain/client.ts";
import type { TransactionSender } from "../src/chain/transactions/sender.ts";
import type { classIds, Devnet } from "./devnet.ts";

/** A service of the demo. */
export interface DemoService {
  number: bigint;
  name: string;
  className: keyof typeof classIds;
  stake: bigint;
  /** Whether it is meant to be paid in full. */
  healthy: boolean;
}

/** An auditor of the demo. */
export interface DemoAuditor {
  owner: Address;
  operator: Address;
  stake: bigint;
}

/** The roles of the chain's funded keys. */
export const keyIndex = {
  treasury: 0,
  owner: 1,
  auditor: 4,
  operator: 9,
  service: 14,
  visitor: 17,
  payer: 21,
};

/** The service that moves during the run. */
export const MOVING_SERVICE = 1n;
/** The service behind relays. */
export const RELAYED_SERVICE = 3n;

/** The environment of the demo. */
export interface Stage {
  devnet: Devnet;
  client: ChainClient;
  /** The sender of BLOC; a single sender keeps the nonces of transfers in order. */
  treasury: TransactionSender;
  /** Folder of the run: deployment file, logs, workers' state. */
  folder: string;
  /** Addresses of the record network's nodes, by which workers join it. */
  bootstrap: readonly string[];
  /** The command of the workers; default: this repository's command, from its sources. */
  command?: string;
  say(message: string): void;
}

/** The deployment that every worker reads. */
export function deploymentFile(stage: Pick<Stage, "folder">): string {
  return path.join(stage.folder, "devnet.json");
}
