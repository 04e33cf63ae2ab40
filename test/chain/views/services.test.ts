import { expect } from "chai";
import { parseEther, parseEventLogs } from "viem";
import { settlementAbi } from "../../../src/protocol/abi/settlement.ts";
import { HORIZON } from "../../../src/protocol/epoch.ts";
import { failedRun } from "../../../src/protocol/serviceEpochs.ts";
import { readServiceEpochs } from "../../../src/chain/views/serviceEpochs.ts";
import { listServices, type ServiceFilter } from "../../../src/chain/views/serviceList.ts";
import { findService, readServiceView } from "../../../src/chain/views/serviceView.ts";
import { AuditedChain, FIRST } from "../../support/auditedChain.ts";
import { rejection } from "../../support/rejection.ts";

describe("views of services", function () {
  let chain: AuditedChain;

  const view = async (number: bigint) =>
    readServiceView(chain.client, chain.deployment, { number, moment: await chain.moment() });
  const epochs = async (number: bigint, last: number) =>
    readServiceEpochs(chain.client, chain.deployment, {
      number,
      moment: await chain.moment(),
      last,
      settledThrough: (await view(number)).settledThrough,
    });
  const list = async (filter: ServiceFilter) => {
    const found: bigint[] = [];
    const input = { moment: await chain.moment(), filter };
    for await (const { number } of listServices(chain.client, chain.deployment, input)) {
      found.push(number);
    }
    return found;
  };

  before(async () => {
    chain = await AuditedChain.start({
      services: [4_000, 1_000, 500],
      auditors: [10_000, 10_000, 10_000],
      metadata: "https://weather.example/about",
    });
  });
  after(() => chain.stop());

  it("a service shows what was registered, and what counts two epochs later", async () => {
    const shown = await view(1n);
    expect(shown.owner).to.equal(chain.owner(1).address);
    expect(shown.payout).to.equal(chain.owner(1).address);
    expect(shown.class.name).to.equal("http");
    expect(shown.label).to.equal(undefined);
    expect(shown.metadata).to.equal("https://weather.example/about");
    expect(shown.probe.specification?.requests[0]).to.include({ path: "/" });
    expect(shown.firstEpoch).to.equal(HORIZON);
    expect(shown.status).to.deep.equal({ now: "None", next: "Active" });
    expect(shown.key.next).to.equal(chain.serviceKey(1).address);
    expect(shown.stake).to.deep.equal({ now: 0n, next: parseEther("4000") });
    expect(shown.record.state).to.equal("none");
    expect(shown.challenge).to.equal(undefined);
  });

  it("a service under its class's minimum is Unstaked, and one that is not there is an error", async () => {
    expect((await view(3n)).status.next).to.equal("Unstaked");
    await rejection("SERVICE_UNKNOWN", view(9n));
    const find = (name: string) => findService(chain.client, chain.deployment, name);
    expect(await find("2")).to.equal(2n);
    await rejection("SERVICE_UNKNOWN", find("weather"));
    await rejection("SERVICE_UNKNOWN", find("No Label!"));
  });

  it("the list is filtered, and begins where it is told", async () => {
    expect(await list({})).to.deep.equal([1n, 2n, 3n]);
    expect(await list({ status: "Active" })).to.deep.equal([1n, 2n]);
    expect(await list({ owner: chain.owner(2).address })).to.deep.equal([2n]);
    expect(await list({ className: "json-rpc" })).to.deep.equal([]);
    expect(await list({ after: 1n })).to.deep.equal([2n, 3n]);
  });

  it("grades by epoch say what the auditors counted, and what the contract then pays", async () => {
    await chain.play(FIRST, FIRST, { 1: 3, 2: 0 });
    await chain.play(FIRST + 1, FIRST + 1, { 1: 2, 2: 0 });
    // No auditor inspects in this one, and no caller records a seed of the next.
    await chain.enter(FIRST + 2);
    for (const auditor of [0, 1, 2]) await chain.reveal(FIRST + 1, auditor);
    await chain.enter(FIRST + 3, { tick: false });
    await chain.enter(FIRST + 5);

    const rows = await epochs(1n, 10);
    expect(rows.map(({ epoch }) => epoch)).to.deep.equal([1, 2, 3, 4, 5, 6]);
    const [, excellent, good, carried, unseeded, newest] = rows;
    expect(excellent).to.include({ final: true, verdict: 3, paidGrade: 3, paidBy: FIRST });
    expect(excellent!.counts[3]).to.be.within(6, 9);
    expect(excellent!.counts.slice(0, 3)).to.deep.equal([0, 0, 0]);
    expect(excellent!.shardWeight).to.equal(excellent!.counts[3]);
    expect(good).to.include({ verdict: 2, paidGrade: 2 });
    expect(carried).to.include({ verdict: null, paidGrade: 2, paidBy: FIRST + 1 });
    expect(unseeded).to.include({ seeded: false, paidGrade: null, pay: 0n });
    expect(newest).to.include({ epoch: FIRST + 4, final: false, pay: undefined });

    const { stranger, contracts } = chain;
    const call = { ...contracts.settlement, functionName: "settle", args: [1n, FIRST + 2] };
    const { logs } = await stranger.send(call);
    const settled = parseEventLogs({ abi: settlementAbi, eventName: "Settled", logs });
    expect(settled.map(({ args }) => args.reward)).to.deep.equal(
      rows.slice(1, 4).map(({ pay }) => pay),
    );
    expect((await epochs(1n, 10)).map((row) => row.settled)).to.deep.equal([
      ...[true, true, true, true, false, false],
    ]);
  });

  it("a run of FAILED is as long as the newest final epochs that say so", async () => {
    expect(failedRun((await epochs(2n, 10)).slice(0, 3))).to.equal(2);
    expect(failedRun(await epochs(2n, 10)), "broken by an epoch without a verdict").to.equal(0);
    expect(failedRun(await epochs(1n, 10))).to.equal(0);
  });

  it("maintenance, a key and a payout that were set show when they count", async () => {
    const { epoch } = await chain.moment();
    await chain.own(2, "setMaintenance", [2n, true]);
    await chain.own(2, "setKey", [2n, chain.serviceKey(3).address]);
    await chain.own(2, "setPayout", [2n, chain.owner(3).address]);
    await chain.own(2, "setMetadata", [2n, "https://elsewhere.example"]);
    const before = await view(2n);
    expect(before.status).to.deep.equal({ now: "Active", next: "Maintenance" });
    expect(before.key).to.deep.equal({
      now: chain.serviceKey(2).address,
      next: chain.serviceKey(3).address,
    });
    expect(before.payout).to.equal(chain.owner(3).address);
    expect(before.metadata).to.equal("https://elsewhere.example");
    await chain.enter(epoch + HORIZON);
    expect((await view(2n)).status.now).to.equal("Maintenance");
    expect(await list({ status: "Maintenance" })).to.deep.equal([2n]);
  });
});
