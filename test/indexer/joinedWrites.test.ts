import { expect } from "chai";
import { joinWrites, type Writer } from "../../indexer/src/api/joinedWrites.ts";
import type { Session } from "../../indexer/src/api/session.ts";

interface Statement {
  statement: string;
  rows: Record<string, unknown>[];
  done: () => void;
}

/** A session that answers a statement only when it is told to. */
class SlowSession implements Session {
  readonly statements: Statement[] = [];
  /** Fails statements with a row of this number. */
  poison: number | undefined;

  query(statement: string, given: unknown[] = []): Promise<unknown> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const rows = given.length === 0 ? [] : (JSON.parse(given[0] as string) as Statement["rows"]);
    const done = () => {
      resolve(undefined);
    };
    this.statements.push({ statement, rows, done });
    const isPoisoned = rows.some((row) => row.number === this.poison);
    return promise.then(() => {
      if (isPoisoned) throw new Error(`refused with ${rows.length} rows`);
    });
  }

  /** Waits for the next statement, answers it, and lets what follows from it happen. */
  async next(): Promise<Statement> {
    while (this.statements.length === 0) await turn();
    const statement = this.statements.shift()!;
    statement.done();
    await turn();
    return statement;
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const table = (name: string, schema = "ponder_sync") => ({
  [Symbol.for("drizzle:Name")]: name,
  [Symbol.for("drizzle:Schema")]: schema,
});
const row = (number: number, hash: string | null = `0x${number}`) => ({
  ...{ chainId: 2n ** 60n, number, sha3Uncles: hash },
});

describe("writes of fetched blocks", () => {
  let session: SlowSession;
  let writer: Writer;
  /** As Ponder writes. */
  const write = (name: string, ...rows: object[]) => {
    const insert = writer.insert(table(name)) as {
      values: (rows: object[]) => { onConflictDoNothing: (on: object) => Promise<unknown> };
    };
    return insert.values(rows).onConflictDoNothing({ target: [] });
  };

  beforeEach(() => {
    session = new SlowSession();
    writer = { insert: () => "the query builder's own" };
    joinWrites(writer, session);
  });

  it("are one statement for all blocks that are asked for at the same moment", async () => {
    const writes = [1, 2, 3].map((number) => write("blocks", row(number)));
    const { statement, rows } = await session.next();
    expect(statement).to.equal(
      'insert into "ponder_sync"."blocks" select * from ' +
        'json_populate_recordset(null::"ponder_sync"."blocks", $1) on conflict do nothing',
    );
    expect(rows.map((each) => each.sha3_uncles)).to.deep.equal(["0x1", "0x2", "0x3"]);
    await Promise.all(writes);
    expect(session.statements).to.deep.equal([]);
  });

  it("keep numbers that JSON's readers in JavaScript would round", async () => {
    let text: unknown;
    session.query = (_, parameters) => Promise.resolve((text = parameters?.[0]));
    await write("logs", row(1, null));
    expect(text).to.equal('[{"chain_id":1152921504606846976,"number":1,"sha3_uncles":null}]');
  });

  it("that come while one is written are written after it, each table by a statement", async () => {
    const first = write("blocks", row(1));
    while (session.statements.length === 0) await turn();
    const order: string[] = [];
    const rest = [
      write("logs", row(1), row(2)).then(() => order.push("logs")),
      write("blocks", row(2)).then(() => order.push("blocks")),
      write("logs", row(3)).then(() => order.push("logs")),
    ];
    expect(session.statements).to.have.length(1);
    await session.next();
    await first;
    expect(order, "nothing is done before its rows are written").to.deep.equal([]);
    expect((await session.next()).rows.map(({ number }) => number)).to.deep.equal([1, 2, 3]);
    expect(order).to.deep.equal(["logs", "logs"]);
    expect((await session.next()).rows).to.have.length(1);
    await Promise.all(rest);
  });

  it("of which one fails are tried one by one, and only that one fails, with its own error", async () => {
    session.poison = 2;
    const writes = [1, 2, 3].map((number) => write("blocks", row(number)));
    const settled = Promise.allSettled(writes);
    for (const _ of [1, 2, 3, 4]) await session.next();
    const outcomes = (await settled).map((each) =>
      each.status === "rejected" ? String(each.reason) : each.status,
    );
    expect(outcomes).to.deep.equal(["fulfilled", "Error: refused with 1 rows", "fulfilled"]);
    expect(session.statements).to.deep.equal([]);
  });

  it("stay within a size: a large one goes alone", async () => {
    const large = "0".repeat(1024 * 1024);
    const writes = [
      write("blocks", row(1)),
      write("blocks", row(2, large)),
      write("blocks", row(3)),
    ];
    expect((await session.next()).rows.map(({ number }) => number)).to.deep.equal([1, 3]);
    expect((await session.next()).rows.map(({ number }) => number)).to.deep.equal([2]);
    await Promise.all(writes);
  });

  it("make a checkpoint now and then, because PGlite makes none", async () => {
    const large = "0".repeat(16 * 1024 * 1024);
    const statements = [];
    for (const number of [1, 2, 3]) {
      const written = write("transactions", row(number, large));
      statements.push((await session.next()).statement.split(" ")[0]);
      await written;
      if (session.statements.length > 0) statements.push((await session.next()).statement);
    }
    expect(statements).to.deep.equal(["insert", "insert", "CHECKPOINT", "insert"]);
  });

  it("leave every other table to the query builder", () => {
    for (const other of [table("rpc_request_results"), table("logs", "blockcloud_1"), {}]) {
      expect(writer.insert(other)).to.equal("the query builder's own");
    }
  });
});
