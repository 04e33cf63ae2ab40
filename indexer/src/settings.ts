import { readFileSync } from "node:fs";

/** What the index must know of a deployment file; `blockcloud indexer run` has checked it before. */
export interface IndexedDeployment {
  chainId: number;
  block: number;
  genesis: number;
  epochSeconds: number;
  contracts: Record<ContractName, `0x${string}`>;
}

type ContractName =
  | "rewardPool"
  | "registry"
  | "staking"
  | "proofOfService"
  | "settlement"
  | "challengeBook"
  | "labels"
  | "cashier";

/** An environment variable that `blockcloud indexer run` sets. */
export function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") {
    throw new Error(`${name} is not set: start the index with "blockcloud indexer run".`);
  }
  return value;
}

/** The deployment that is indexed. */
export const deployment = JSON.parse(
  readFileSync(setting("BLOCKCLOUD_INDEXER_DEPLOYMENT"), "utf8"),
) as IndexedDeployment;

/** URL of the Postgres database; empty for the embedded one. */
export const databaseUrl = process.env.DATABASE_URL ?? "";

/** Whether the tables are in PGlite, Postgres in this process. */
export const isEmbedded = databaseUrl === "";
