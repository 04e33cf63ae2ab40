import type { Session } from "./session.ts";

/** The part of Ponder's query builder by which it writes fetched blocks: `insert(table).values(rows).onConflict…`. */
export interface Writer {
  insert(table: object): unknown;
}
type Row = Readonly<Record<string, unknown>>;

/** The tables in Ponder's schema that fetched blocks are in. */
const TABLES: ReadonlySet<unknown> = new Set([
  ...["blocks", "logs", "transactions", "transaction_receipts"],
]);
/** Where a table of the query builder has its names. */
const NAME = Symbol.for("drizzle:Name");
const SCHEMA = Symbol.for("drizzle:Schema");

/**
 * Characters of rows after which a checkpoint is made: PGlite makes none by itself, and its log, from which it is
 * restored after a kill, would grow for ever.
 */
const CHECKPOINT_AFTER = 32 * 1024 * 1024;
/** Characters of rows in a joined statement; a larger write goes alone. PGlite copies a statement as a whole. */
const MOST_CHARACTERS = 1024 * 1024;

interface Write {
  table: string;
  /** Its rows as JSON, separated by commas. */
  rows: string;
  resolve: (result: unknown) => void;
  reject: (error: unknown) => void;
}

/**
 * Joins the statements by which Ponder writes fetched blocks. It has up to 100 blocks under way and writes each with
 * three or four statements of its own, of which PGlite takes seven steps each. While one is written, those that come
 * wait and are then written as one; each is done when its rows are written, as before. The rows are one value, as JSON:
 * the query builder would make an object for each field of each row.
 */
export function joinWrites(writer: Writer, session: Session): void {
  const insert = writer.insert.bind(writer);
  const waiting: Write[] = [];
  let isWriting = false;
  let written = 0;

  const work = async () => {
    isWriting = true;
    // What is asked for at the same moment is written together.
    await new Promise((resolve) => setImmediate(resolve));
    while (waiting.length > 0) {
      const taken = take(waiting);
      await send(taken, session);
      written += taken.reduce((sum, { rows }) => sum + rows.length, 0);
      if (written < CHECKPOINT_AFTER) continue;
      written = 0;
      // One that fails is made up for by the next.
      await session.query("CHECKPOINT").catch(() => undefined);
    }
    isWriting = false;
  };

  const write = (table: string, rows: readonly Row[]) => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    waiting.push({ table, rows: rows.map(jsonOf).join(","), resolve, reject });
    if (!isWriting) void work();
    return promise;
  };

  writer.insert = (table) => {
    const { [SCHEMA]: schema, [NAME]: name } = table as Record<symbol, unknown>;
    if (schema !== "ponder_sync" || !TABLES.has(name)) return insert(table);
    const values = (rows: readonly Row[]) => ({
      // The only key of each of these tables is the one that Ponder names.
      onConflictDoNothing: () => write(name as string, rows),
    });
    return { values };
  };
}

const columns = new Map<string, string>();

/** The column of a field, as the query builder names it: `sha3Uncles` is `sha3_uncles`. */
function columnOf(field: string): string {
  const known = columns.get(field);
  if (known !== undefined) return known;
  const name = field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  columns.set(field, name);
  return name;
}

function jsonOf(row: Row): string {
  const members = Object.entries(row).map(([field, value]) => {
    // A number of any size: Postgres reads it by the type of its column.
    const text = typeof value === "bigint" ? value.toString() : JSON.stringify(value ?? null);
    return `"${columnOf(field)}":${text}`;
  });
  return `{${members.join(",")}}`;
}

/** The first write that waits, and those that can be joined to it. */
function take(waiting: Write[]): readonly Write[] {
  const [first] = waiting;
  if (first === undefined) return [];
  let characters = 0;
  const taken = waiting.filter((each) => {
    const isFirst = each === first;
    if (each.table !== first.table) return false;
    if (!isFirst && characters + each.rows.length > MOST_CHARACTERS) return false;
    characters += each.rows.length;
    return true;
  });
  const known = new Set(taken);
  waiting.splice(0, waiting.length, ...waiting.filter((each) => !known.has(each)));
  return taken;
}

async function send(writes: readonly Write[], session: Session): Promise<void> {
  const [first] = writes;
  if (first === undefined) return;
  const { table } = first;
  const insert = (rows: readonly Write[]) =>
    session.query(
      `insert into "ponder_sync"."${table}" select * ` +
        `from json_populate_recordset(null::"ponder_sync"."${table}", $1) on conflict do nothing`,
      [`[${rows.map((each) => each.rows).join(",")}]`],
    );
  try {
    await insert(writes);
    for (const { resolve } of writes) resolve(undefined);
  } catch (error) {
    // Only the write that is at fault may fail: each is tried alone, and says what is wrong.
    if (writes.length === 1) first.reject(error);
    else for (const each of writes) await insert([each]).then(each.resolve, each.reject);
  }
}
