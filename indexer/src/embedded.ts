import { mkdirSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

/** The part of PGlite that is used here; it comes with Ponder. */
interface Database {
  query(sql: string): Promise<{ rows: { schema_name: string }[] }>;
  close(): Promise<void>;
}

/**
 * Prepares the embedded database before Ponder opens it; creates it first if there is none.
 *
 * Tables are dropped, so that they are counted anew from the blocks that the database keeps. With PGlite, Ponder writes
 * rows and the mark how far it came without a transaction around them: after a kill, some of a range may be counted and
 * not marked, and would be counted twice.
 */
export async function prepareEmbedded(folder: string): Promise<void> {
  const ponder = createRequire(realpathSync("node_modules/ponder/package.json"));
  // As Ponder imports it, so that its WebAssembly is compiled once.
  const place = new URL("index.js", pathToFileURL(ponder.resolve("@electric-sql/pglite")));
  const { PGlite } = (await import(place.href)) as { PGlite: new (folder: string) => Database };
  mkdirSync(folder, { recursive: true });
  const database = new PGlite(folder);
  try {
    const { rows } = await database.query(
      "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE 'blockcloud\\_%'",
    );
    for (const { schema_name: name } of rows) await database.query(`DROP SCHEMA "${name}" CASCADE`);
    // It counts from the next opening on. PGlite syncs no file, but by Postgres' default the log is opened so that each
    // write waits for the disk: four fifths of the time of a write.
    await database.query("ALTER SYSTEM SET wal_sync_method = 'fdatasync'");
  } catch (cause) {
    // As Ponder says it: the command then begins a new database.
    throw new Error("Failed to connect to PGlite database.", { cause });
  } finally {
    await database.close().catch(() => undefined);
  }
}
