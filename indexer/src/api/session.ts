/** The part of PGlite by which statements reach it. */
export interface Session {
  query(statement: string, values?: unknown[], options?: object): Promise<unknown>;
}

/** Makes the embedded database's session cheap to write with: it shares its thread with all else. */
export async function tuneSession(session: Session): Promise<void> {
  // PGlite commits each statement by itself. After a kill the last commits may be missing, but never one before a later
  // one: Ponder asks the chain for their blocks again.
  await session.query("SET synchronous_commit = off");
  // The index's own tables are dropped at each start, so they need no log by which they would survive a kill.
  await session.query(`DO $$
    DECLARE item record;
    BEGIN
      FOR item IN SELECT schemaname, tablename FROM pg_tables WHERE schemaname LIKE 'blockcloud\\_%' LOOP
        EXECUTE format('ALTER TABLE %I.%I SET UNLOGGED', item.schemaname, item.tablename);
      END LOOP;
    END $$`);
}
