import { ponder } from "ponder:registry";
import { sql } from "ponder";
import { isEmbedded } from "./settings.ts";

/**
 * PGlite has one session, commits each statement by itself, and writes each commit to its file with the thread that
 * indexes: half of the time of a backfill. Without waiting for it, the last commits before a kill may be missing, but
 * never one before a later one. Ponder then asks the chain for their blocks again, and the tables are counted anew.
 */
ponder.on("Registry:setup", async ({ context }) => {
  if (isEmbedded) await context.db.sql.execute(sql`SET synchronous_commit = off`);
});
