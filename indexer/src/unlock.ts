import { createRequire } from "node:module";
import { existsSync, realpathSync } from "node:fs";

/** The part of PGlite that is used here; it comes with Ponder. */
interface Database {
  query(sql: string): Promise<{ rows: { table_schema: string }[] }>;
  close(): Promise<void>;
}

/**
 * Takes away the locks of a killed run. Ponder would wait half a minute for its heartbeat to expire. Another process
 * cannot use these files: the command holds a lock of the operating system on their folder.
 */
export async function unlock(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  const ponder = createRequire(realpathSync("node_modules/ponder/package.json"));
  const { PGlite } = (await import(ponder.resolve("@electric-sql/pglite"))) as {
    PGlite: new (folder: string) => Database;
  };
  const database = new PGlite(folder);
  try {
    const { rows } = await database.query(
      "SELECT table_schema FROM information_schema.tables WHERE table_name = '_ponder_meta'",
    );
    for (const { table_schema: schema } of rows) {
      const set = `SET value = jsonb_set(value, '{is_locked}', to_jsonb(0))`;
      await database.query(`UPDATE "${schema}"."_ponder_meta" ${set}`);
    }
  } catch (cause) {
    // As Ponder says it: the command then begins a new database.
    throw new Error("Failed to connect to PGlite database.", { cause });
  } finally {
    await database.close().catch(() => undefined);
  }
}
