import { ENDPOINT_NAMES } from "./ponderProcess.ts";

export interface PonderSettings {
  deploymentFile: string;
  rpcUrl: string;
  /** The chain's ID for Ponder. */
  chainId: number;
  databaseUrl: string | undefined;
  /** Folder of PGlite's files. */
  database: string;
  pollMs: number;
}

/**
 * Ponder's environment: nothing of this process's own but what programs need to run. A list of URLs with keys, as
 * workers have, never gets there; that of a Postgres database does, because Ponder opens it itself.
 */
export function ponderEnv(settings: PonderSettings): Record<string, string> {
  const { rpcUrl, databaseUrl } = settings;
  const names = Array.from({ length: ENDPOINT_NAMES }, (_, name) => `${rpcUrl}/${name}`);
  return {
    NODE_ENV: "production",
    PONDER_TELEMETRY_DISABLED: "true",
    BLOCKCLOUD_INDEXER_DEPLOYMENT: settings.deploymentFile,
    BLOCKCLOUD_INDEXER_RPC: names.join("\n"),
    BLOCKCLOUD_INDEXER_CHAIN: String(settings.chainId),
    BLOCKCLOUD_INDEXER_PGLITE: settings.database,
    BLOCKCLOUD_INDEXER_POLL_MS: String(settings.pollMs),
    ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }),
  };
}
