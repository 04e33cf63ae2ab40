import { expect } from "chai";
import { parseEther } from "viem";
import { differences, IndexRig } from "../support/index/indexRig.ts";
import { IndexedStory } from "../support/index/story.ts";
import { PostgresServer } from "../support/postgresServer.ts";
import { RpcProxy } from "../support/rpcProxy.ts";

/** The receipt after which Ponder is killed while it reads history; it then waits 25 s for its own lock. */
const MOMENT = 15;
const bloc = (amount: number) => parseEther(amount.toString());
const programs = PostgresServer.programs();

describe(`an index in Postgres${programs === undefined ? " (no server is installed here)" : ""}`, function () {
  this.timeout(300_000);
  let story: IndexedStory;
  let postgres: PostgresServer;
  let proxy: RpcProxy;
  let rig: IndexRig;

  before(async function () {
    if (programs === undefined) return this.skip();
    story = await IndexedStory.start();
    await story.audit(8, () => ({ 1: 3, 2: 2, 3: 0 }));
    await story.pay();
    postgres = await PostgresServer.start(programs);
    proxy = new RpcProxy(story.chain.stage.devnet.rpcUrl);
    await proxy.start();
  });
  after(async () => {
    if (programs === undefined) return;
    await rig.stop();
    await proxy.stop();
    await postgres.stop();
    await story.stop();
  });

  const deposit = async () => {
    await story.approve(story.payer.key, "cashier", 1);
    await story.send(story.payer.key, "cashier", "deposit", [bloc(1)]);
  };
  const deposited = async () => {
    const { account } = await rig.query<{ account: { deposited: string } }>(
      "query ($payer: String!) { account(payer: $payer) { deposited } }",
      { payer: story.payer.address.toLowerCase() },
    );
    return BigInt(account.deposited) / bloc(1);
  };

  it("has the rows that PGlite has, though Ponder is killed while it reads history", async () => {
    const { deployment } = story.chain;
    let receipts = 0;
    proxy.before = ({ method }) => {
      if (method !== "eth_getTransactionReceipt") return;
      receipts += 1;
      if (receipts === MOMENT) rig.killPonder();
    };
    const front = { sql: true };
    rig = await IndexRig.start({
      ...{ deployment, rpcUrl: proxy.url, databaseUrl: postgres.url, front },
    });
    await rig.caughtUp();
    proxy.before = () => undefined;
    expect(receipts).to.be.at.least(MOMENT);

    const embedded = await IndexRig.start({
      deployment,
      rpcUrl: story.chain.stage.devnet.rpcUrl,
    });
    await embedded.caughtUp();
    expect(differences(await rig.dump(), await embedded.dump())).to.deep.equal([]);
    await embedded.stop();
  });

  it("goes on at a restart where it was: no range of history is asked for again", async () => {
    await rig.end();
    const ranges: unknown[] = [];
    proxy.before = ({ method, params }) => {
      if (method !== "eth_getLogs") return;
      const [filter] = params as [{ fromBlock?: string }];
      if (filter.fromBlock !== undefined) ranges.push(filter);
    };
    await rig.begin();
    await rig.caughtUp();
    proxy.before = () => undefined;
    expect(ranges).to.deep.equal([]);
    expect(await deposited()).to.equal(1_000n);
  });

  it("counts nothing twice, and loses nothing, when the server crashes while it follows the head", async () => {
    await deposit();
    await postgres.crash();
    await deposit();
    await postgres.begin();
    await rig.caughtUp();
    expect(await deposited()).to.equal(1_002n);
    // What is said of a database that is lost names no password.
    expect(JSON.stringify(rig.log.lines)).not.to.include(new URL(postgres.url).password);
  });

  it("answers SQL that reads, and none that writes", async () => {
    const ask = (sql: string) => {
      const query = JSON.stringify({ json: { sql, params: [], typings: [] } });
      return fetch(`${rig.base}/sql/db?sql=${encodeURIComponent(query)}`);
    };
    const response = await ask("select count(*) from service");
    expect(response.status).to.equal(200);
    expect(await response.text())
      .to.match(/"count"/)
      .and.to.include("3");
    for (const sql of ["delete from service", "drop table service", "select pg_sleep(1)"]) {
      expect((await ask(sql)).ok, sql).to.equal(false);
    }
    expect(await deposited()).to.equal(1_002n);
  });

  it("keeps each deployment in a schema of its own, and the fetched blocks in Ponder's", () => {
    const schemas = postgres.rows(
      "select nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema' order by 1",
    );
    expect(schemas).to.have.length(3);
    expect(schemas[0]).to.match(/^blockcloud_[0-9a-f]{12}$/);
    expect(schemas.slice(1)).to.deep.equal(["ponder_sync", "public"]);
  });
});
