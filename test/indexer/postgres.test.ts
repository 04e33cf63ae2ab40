import { expect } from "chai";
import { parseEther } from "viem";
import { differences, IndexRig } from "../support/index/indexRig.ts";
import { IndexedStory } from "../support/index/story.ts";
import { PostgresServer } from "../support/postgresServer.ts";
import { RpcProxy } from "../support/rpcProxy.ts";
import { until } from "../support/until.ts";

/** Receipts after which Ponder is killed while it reads history. */
const MOMENTS = [1, 15, 40];
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

  it("has the rows that PGlite has, whenever Ponder is killed while it reads history", async () => {
    const { deployment } = story.chain;
    let receipts = 0;
    const kills: number[] = [];
    proxy.before = ({ method }) => {
      if (method !== "eth_getTransactionReceipt") return;
      receipts += 1;
      if (!MOMENTS.includes(receipts)) return;
      kills.push(receipts);
      rig.killPonder();
    };
    const front = { sql: true };
    rig = await IndexRig.start({
      ...{ deployment, rpcUrl: proxy.url, databaseUrl: postgres.url, front },
    });
    await rig.caughtUp();
    proxy.before = () => undefined;
    expect(kills).to.deep.equal(MOMENTS);

    const embedded = await IndexRig.start({
      deployment,
      rpcUrl: story.chain.stage.devnet.rpcUrl,
    });
    await embedded.caughtUp();
    expect(differences(await rig.dump(), await embedded.dump())).to.deep.equal([]);
    await embedded.stop();
  });

  it("goes on at a restart where it was: no block is asked for again that is final", async () => {
    await rig.end();
    const before = proxy.asked.length;
    await rig.begin();
    await rig.caughtUp();
    const again = proxy.asked.slice(before);
    expect(again.filter((method) => method === "eth_getTransactionReceipt")).to.deep.equal([]);
    expect(await deposited()).to.equal(1_000n);
  });

  it("counts nothing twice, and loses nothing, when the server crashes while it follows the head", async () => {
    await deposit();
    const { pid } = rig.parts.indexer;
    await postgres.crash();
    await deposit();
    await postgres.begin();
    await until("Ponder runs again", () => rig.parts.indexer.pid !== pid);
    await rig.caughtUp();
    expect(await deposited()).to.equal(1_002n);
    // The log of a process that lost its database names no password.
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
