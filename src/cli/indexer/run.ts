import { packageRoot } from "../../node/packageRoot.ts";
import { systemTimers } from "../../node/timers.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import { publicFrontLimits } from "../framework/frontFlags.ts";
import { workerFlags } from "../framework/commonFlags.ts";
import { runWorker } from "../framework/worker.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { DATABASE_URL, readDatabaseUrl } from "./databaseUrl.ts";
import * as own from "./flags.ts";
import { indexerFrontFlags } from "./frontFlags.ts";

// Ponder polls; it has no use for an endpoint that announces blocks.
const { rpcHeads: _rpcHeads, ...polling } = workerFlags;

/** `blockcloud indexer run` */
export const indexerRun = chainCommand({
  flags: { ...own, ...indexerFrontFlags, ...polling },
  examples: [
    "blockcloud indexer run",
    "blockcloud indexer run --listen :8070 --allow-origin https://console.example",
    "blockcloud indexer run --database-url-file postgres.url --trust-proxy 127.0.0.1",
  ],
  notes: `The index needs Ponder, which workers do not: npm install ponder@0.16.10. GET /v1/status says how far it is;
docs/indexer.md describes tables and queries.`,
  async run({ flags, deployment, io }) {
    const databaseUrl = readDatabaseUrl(flags.databaseUrlFile, io.env);
    if (flags.sql && databaseUrl === undefined) {
      // PGlite has one session: a temporary table of Ponder's hides the table of its name from a reader's query.
      throw new BlockcloudError("SQL_NEEDS_POSTGRES", "The embedded database answers no SQL.", {
        remedy: `Name a Postgres database by --database-url-file or $${DATABASE_URL}, or leave --sql out.`,
      });
    }
    const { createIndexer, prepareIndexer } = await import("../../indexer/createIndexer.ts");
    const root = packageRoot();
    const prepared = await prepareIndexer({ root, stateDir: flags.state, deployment });
    return runWorker(
      { ...flags, rpcHeads: undefined },
      {
        name: "indexer",
        deployment,
        create: (log, metrics, fail) =>
          createIndexer(
            {
              rpcUrls: flags.rpc,
              deployment,
              root,
              databaseUrl,
              pollMs: flags.rpcPoll === undefined ? undefined : flags.rpcPoll * 1000,
              front: {
                listen: flags.listen,
                origins: flags.allowOrigin ?? [],
                sql: flags.sql,
                ...publicFrontLimits(flags),
              },
            },
            prepared,
            { timers: systemTimers, log, metrics, fail },
          ),
      },
    );
  },
});
