import { expect } from "chai";
import { joinWrites } from "../../indexer/src/api/joinedWrites.ts";
import type { Session } from "../../indexer/src/api/session.ts";

const values = (columns: number, rows: number) =>
  Array.from({ length: rows }, (_, row) => {
    const places = Array.from({ length: columns }, (_, at) => `$${row * columns + at + 1}`);
    return `(${places.join(", ")})`;
  }).join(", ");

/** A statement as Ponder's query builder writes it. */
const insert = (table: string, rows = 1) =>
  `insert into "ponder_sync"."${table}" ("chain_id", "number", "hash") values ${values(3, rows)} ` +
  `on conflict ("chain_id","number") do nothing`;

const row = (number: number, hash: string | null = `0x${number}`) => [1n, BigInt(number), hash];

/** A session that answers a statement only when it is told to. */
class SlowSession implements Session {
  readonly statements: { statement: string; rows: unknown[][]; done: () => void }[] = [];
  /** Fails statements that have such a hash among their values. */
  poison: string | undefined;

  query(statement: string, given: unknown[] = []): Promise<unknown> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const [first] = given;
    const rows =
      given.length === 1
        ? (JSON.parse(first as string) as object[]).map((each) => Object.values(each) as unknown[])
        : [given];
    this.statements.push({
      statement,
      rows,
      done: () => {
        resolve(undefined);
      },
    });
    const isPoisoned = rows.flat().includes(this.poison);
    return promise.then(() => {
      if (isPoisoned) throw new Error(`no ${given.length === 1 ? "list" : "row"}`);
    });
  }

  /** Waits for the next statement, answers it, and lets what follows from it happen. */
  async next(): Promise<SlowSession["statements"][number]> {
    while (this.statements.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const statement = this.statements.shift()!;
    statement.done();
    await new Promise((resolve) => setImmediate(resolve));
    return statement;
  }
}

describe("writes of fetched blocks", () => {
  let session: SlowSession;

  beforeEach(() => {
    session = new SlowSession();
    joinWrites(session);
  });

  it("are one statement for all blocks that are asked for at the same moment", async () => {
    const writes = [1, 2, 3].map((number) => session.query(insert("blocks"), row(number)));
    const { statement, rows } = await session.next();
    expect(statement).to.equal(
      'insert into "ponder_sync"."blocks" ("chain_id", "number", "hash") select "chain_id", "number", "hash" ' +
        'from json_populate_recordset(null::"ponder_sync"."blocks", $1) on conflict ("chain_id","number") do nothing',
    );
    expect(rows).to.deep.equal([
      ["1", "1", "0x1"],
      ["1", "2", "0x2"],
      ["1", "3", "0x3"],
    ]);
    await Promise.all(writes);
    expect(session.statements).to.deep.equal([]);
  });

  it("that come while one is written are written after it, each table by a statement", async () => {
    const first = session.query(insert("blocks"), row(1));
    while (session.statements.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const order: string[] = [];
    const rest = [
      session.query(insert("logs", 2), [...row(1), ...row(2)]).then(() => order.push("logs")),
      session.query(insert("blocks"), row(2)).then(() => order.push("blocks")),
      session.query(insert("logs"), row(3, null)).then(() => order.push("logs")),
    ];
    expect(session.statements).to.have.length(1);
    await session.next();
    await first;
    expect(order, "nothing is done before its rows are written").to.deep.equal([]);
    expect((await session.next()).rows).to.deep.equal([
      ["1", "1", "0x1"],
      ["1", "2", "0x2"],
      ["1", "3", null],
    ]);
    expect(order).to.deep.equal(["logs", "logs"]);
    expect((await session.next()).rows).to.have.length(1);
    await Promise.all(rest);
  });

  it("of which one fails are tried one by one, and only that one fails, with its own error", async () => {
    session.poison = "0x2";
    const writes = [1, 2, 3].map((number) => session.query(insert("blocks"), row(number)));
    const settled = Promise.allSettled(writes);
    for (const _ of [1, 2, 3, 4]) await session.next();
    const outcomes = (await settled).map((each) =>
      each.status === "rejected" ? String(each.reason) : each.status,
    );
    expect(outcomes).to.deep.equal(["fulfilled", "Error: no row", "fulfilled"]);
    expect(session.statements).to.deep.equal([]);
  });

  it("stay within a size: a large one goes alone, as it came", async () => {
    const large = "0".repeat(1024 * 1024);
    const writes = [
      session.query(insert("blocks"), row(1)),
      session.query(insert("blocks"), row(2, large)),
      session.query(insert("blocks"), row(3)),
    ];
    expect((await session.next()).rows.map(([, number]) => number)).to.deep.equal(["1", "3"]);
    const alone = await session.next();
    expect(alone.statement).to.equal(insert("blocks"));
    expect(alone.rows).to.deep.equal([row(2, large)]);
    await Promise.all(writes);
  });

  it("leave every other statement as it is", async () => {
    const others = [
      ["select 1", []],
      [insert("blocks").replace("do nothing", "do update set hash = excluded.hash"), row(1)],
      [insert("blocks").replace("ponder_sync", "blockcloud_1"), row(1)],
      [insert("rpc_request_results"), row(1)],
      [insert("blocks").replace("$3", "default"), row(1).slice(0, 2)],
    ] as const;
    for (const [statement, given] of others) {
      void session.query(statement, [...given]);
      expect(session.statements.shift()).to.include({ statement });
    }
  });
});
