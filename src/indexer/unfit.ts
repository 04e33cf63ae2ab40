/**
 * What Ponder says of a database that no longer fits the chain: a reorganisation below the blocks that it took for
 * final, a chain that is shorter than before, tables of another index, a database that cannot be opened. The database
 * is then set aside; so no endpoint's own words may be these.
 */
export const UNFIT =
  /unrecoverable '.*' reorg|cannot move backwards|previously used by a|Failed to connect to PGlite/;
