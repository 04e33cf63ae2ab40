import type { Session } from "./session.ts";

/** A statement by which Ponder writes what it fetched of a block: `insert … values ($1, …), … on conflict … do nothing`. */
const WRITE =
  /^insert into ("ponder_sync"\."(?:blocks|logs|transactions|transaction_receipts)") \(([^)]+)\) values [$\d(), ]+ (on conflict \([^)]+\) do nothing)$/;
/**
 * Characters of values after which a checkpoint is made: PGlite makes none by itself, and its log, from which it is
 * restored after a kill, would grow for ever.
 */
const CHECKPOINT_AFTER = 32 * 1024 * 1024;
/** Characters of values in a joined statement; a larger one goes alone. PGlite copies a statement as a whole. */
const MOST_CHARACTERS = 1024 * 1024;

interface Write {
  /** What statements that can be joined have in common. */
  joined: string;
  rows: readonly string[];
  characters: number;
  /** As it came. */
  alone: () => Promise<unknown>;
  resolve: (result: unknown) => void;
  reject: (error: unknown) => void;
}

/**
 * Joins the statements by which Ponder writes fetched blocks. It has up to 100 blocks under way, writes each with three
 * or four statements of its own, and PGlite takes most of the time for each statement, not for its rows. While one is
 * written, those that come wait and are then written as one; each is done when its rows are written, as before.
 */
export function joinWrites(session: Session): void {
  const query = session.query.bind(session);
  const waiting: Write[] = [];
  let isWriting = false;
  let written = 0;

  const write = async () => {
    isWriting = true;
    // What is asked for at the same moment is written together.
    await new Promise((resolve) => setImmediate(resolve));
    while (waiting.length > 0) {
      const taken = take(waiting);
      await send(taken, query);
      written += taken.reduce((sum, { characters }) => sum + characters, 0);
      if (written < CHECKPOINT_AFTER) continue;
      written = 0;
      // One that fails is made up for by the next.
      await query("CHECKPOINT").catch(() => undefined);
    }
    isWriting = false;
  };

  session.query = (statement, values, options) => {
    const read = readWrite(statement, values);
    if (read === undefined) return query(statement, values, options);
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    waiting.push({ ...read, alone: () => query(statement, values, options), resolve, reject });
    if (!isWriting) void write();
    return promise;
  };
}

function readWrite(statement: string, values: readonly unknown[] = []) {
  const [, table, names, conflict] = WRITE.exec(statement) ?? [];
  if (table === undefined || names === undefined || conflict === undefined) return undefined;
  const columns = names.split(", ").map((name) => name.slice(1, -1));
  const count = values.length / columns.length;
  if (!Number.isInteger(count)) return undefined; // A value is written as text: it stays as it is.
  const rows = Array.from({ length: count }, (_, at) =>
    jsonOf(columns, values.slice(at * columns.length, (at + 1) * columns.length)),
  );
  const characters = rows.reduce((sum, row) => sum + row.length, 0);
  // One value, whatever the number of rows: PGlite looks up the type of each.
  const from = `json_populate_recordset(null::${table}, $1)`;
  const joined = `insert into ${table} (${names}) select ${names} from ${from} ${conflict}`;
  return { joined, rows, characters };
}

function jsonOf(columns: readonly string[], values: readonly unknown[]): string {
  const row = columns.map((name, at) => [name, values[at]] as const);
  // A number of any size is text in JSON: Postgres reads it by the type of its column.
  return JSON.stringify(Object.fromEntries(row), (_, value: unknown) =>
    typeof value === "bigint" ? value.toString() : value,
  );
}

/** The first write that waits, and those that can be joined to it. */
function take(waiting: Write[]): readonly Write[] {
  const [first] = waiting;
  if (first === undefined) return [];
  let characters = 0;
  const taken = waiting.filter((each) => {
    if (each.joined !== first.joined) return false;
    if (each !== first && characters + each.characters > MOST_CHARACTERS) return false;
    characters += each.characters;
    return true;
  });
  const rest = new Set(taken);
  waiting.splice(0, waiting.length, ...waiting.filter((each) => !rest.has(each)));
  return taken;
}

async function send(writes: readonly Write[], query: Session["query"]): Promise<void> {
  const [first] = writes;
  if (first === undefined) return;
  if (first.characters <= MOST_CHARACTERS) {
    try {
      const rows = writes.flatMap((each) => each.rows);
      await query(first.joined, [`[${rows.join(",")}]`]);
      for (const { resolve } of writes) resolve({ rows: [], fields: [] });
      return;
    } catch {
      // Only the statement that is at fault may fail: each is tried alone, and says what is wrong.
    }
  }
  for (const { alone, resolve, reject } of writes) await alone().then(resolve, reject);
}
