import { expect } from "chai";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseEther } from "viem";
import { devKey } from "../../devnet/devnet.ts";
import { AnswerError } from "../../src/chain/rpc/faults.ts";
import { dayOf } from "../../src/keeper/economy.ts";
import { AuditedChain, FIRST } from "../support/auditedChain.ts";
import { KeeperRig, type Intercept } from "../support/keeperRig.ts";

const KEEPER = devKey(12);
const REWARD = parseEther("0.5");
/** More requests than a round needs. */
const MANY = 200;

describe("a keeper that is killed, or whose endpoint is limited", () => {
  let chain: AuditedChain;
  let folder: string;
  let runs = 0;

  const rpc = (method: string, params: readonly unknown[] = []) =>
    (chain.client.request as (call: object) => Promise<unknown>)({ method, params });
  const file = () => path.join(folder, `keeper-${(runs += 1)}.sqlite`);

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "keeper-"));
    chain = await AuditedChain.start({ services: [1_000], auditors: [10_000, 10_000] });
    await chain.play(FIRST, FIRST, { 1: 3 });
    await chain.enter(FIRST + 1);
    await chain.reveal(FIRST, 0);
    // More blocks than a narrow endpoint gives in one piece.
    for (let mined = 0; mined < 150; mined++) await rpc("evm_mine");
    await chain.enter(FIRST + 2);
  });
  after(async () => {
    await chain.stop();
    rmSync(folder, { recursive: true });
  });

  it("killed between any two of its steps, and started again, it is paid once and loses no event", async () => {
    let finished = false;
    let steps = 0;
    for (; !finished && steps < MANY; steps++) {
      const snapshot = await rpc("evm_snapshot");
      const store = file();
      let left = steps;
      const intercept: Intercept = () => {
        left -= 1;
        if (left >= 0) return;
        first.kill();
        throw new Error("killed");
      };
      const first = new KeeperRig(chain, { key: KEEPER.key, file: store, intercept });
      const before = await first.balance();
      await first.round("report").catch(() => undefined);
      finished = left >= 0;
      first.store.close();

      const second = new KeeperRig(chain, { key: KEEPER.key, file: store });
      await second.round("report");
      // What the first one's last steps left half-way is there in the next epoch at the latest.
      await chain.enter(FIRST + 3);
      const { number } = await chain.moment();
      await second.round("report");
      expect((await second.balance()) - before, `killed after ${steps} requests`).to.equal(REWARD);
      expect(second.store.cursor()).to.equal(number);
      second.store.close();
      await rpc("evm_revert", [snapshot]);
    }
    expect(finished, "a round ends").to.equal(true);
    expect(steps).to.be.greaterThan(8);
  });

  it("gas that it gives away is on disk before it is spent, so that a crash does not open the budget again", async () => {
    const store = file();
    let estimates = 0;
    const intercept: Intercept = (method) => {
      // The first estimate quotes, the second is for the transaction itself.
      if (method === "eth_estimateGas" && (estimates += 1) === 2) throw new Error("killed");
    };
    const gifts = { unpaidWeiPerDay: parseEther("1"), settleAfterEpochs: 2, blocPriceWei: 0n };
    const first = new KeeperRig(chain, { key: KEEPER.key, file: store, intercept, ...gifts });
    await first.round("settle");
    expect(first.heard).to.deep.equal([]);
    first.store.close();
    const second = new KeeperRig(chain, { key: KEEPER.key, file: store });
    const day = dayOf((await chain.moment()).timestamp);
    const reserved = second.store.spent(day);
    expect(reserved).to.be.greaterThan(0n);
    second.store.close();

    const scant = { ...gifts, unpaidWeiPerDay: reserved };
    const third = new KeeperRig(chain, { key: KEEPER.key, file: store, ...scant });
    await chain.enter((await chain.moment()).epoch + 1);
    await third.round("settle");
    expect(third.heard).to.deep.equal(["skipped settle"]);
    third.store.close();
  });

  it("an endpoint that gives a hundred blocks at a time, and says so in its own way, is read in pieces", async () => {
    const spans: number[] = [];
    const intercept: Intercept = (method, params) => {
      if (method !== "eth_getLogs") return;
      const [{ fromBlock, toBlock }] = params as [{ fromBlock: string; toBlock: string }];
      const span = Number(toBlock) - Number(fromBlock) + 1;
      spans.push(span);
      if (span > 100) throw new AnswerError({ code: -32_005, message: "block range is too wide" });
    };
    const narrow = new KeeperRig(chain, { key: KEEPER.key, intercept });
    const wide = new KeeperRig(chain, { key: KEEPER.key });
    await narrow.round("resolve");
    await wide.round("resolve");
    expect(Math.max(...spans)).to.be.greaterThan(100);
    expect(spans.filter((span) => span <= 100)).to.have.length.greaterThan(1);
    expect(narrow.store.cursor()).to.equal(wide.store.cursor());
    const { epoch } = await chain.moment();
    expect(narrow.store.rounds(epoch, epoch, 10)).to.deep.equal(
      wide.store.rounds(epoch, epoch, 10),
    );
    expect(narrow.store.rounds(epoch, epoch, 10)).to.have.length(2);
    expect(narrow.store.unsettled(epoch, epoch, 10)).to.deep.equal([1n]);
  });

  it("reads again only what a reorganisation may have changed", async () => {
    const ranges: number[] = [];
    const intercept: Intercept = (method, params) => {
      if (method !== "eth_getLogs") return;
      ranges.push(Number((params as [{ fromBlock: string }])[0].fromBlock));
    };
    const keeper = new KeeperRig(chain, { key: KEEPER.key, intercept });
    await keeper.round("resolve");
    await keeper.round("resolve");
    const { number } = await chain.moment();
    expect(ranges[0]).to.equal(chain.deployment.block);
    expect(ranges.at(-1)).to.equal(Number(number) - 63);
  });

  it("an event that a reorganisation took away leaves nothing behind that matters", async () => {
    // The node's clock did not go back with its blocks.
    const epoch = (await chain.moment()).epoch + 2;
    await chain.enter(epoch);
    const snapshot = await rpc("evm_snapshot");
    await chain.commit(epoch, 0, { 1: 3 });
    const keeper = new KeeperRig(chain, { key: KEEPER.key });
    await keeper.round("resolve");
    const known = () => keeper.store.rounds(epoch, epoch, 10).map((round) => round.epoch);
    expect(known()).to.include(epoch);
    await rpc("evm_revert", [snapshot]);
    await keeper.round("resolve");
    expect(keeper.store.cursor()).to.equal((await chain.moment()).number);
    await chain.enter(epoch + 2);
    await keeper.round("report");
    expect(keeper.heard).to.deep.equal(["done report"]);
    const later = (await chain.moment()).epoch;
    expect(keeper.store.rounds(later, later + 1, 10).map((round) => round.epoch)).not.to.include(
      epoch,
    );
  });
});
