import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { PassThrough } from "node:stream";
import { expect } from "chai";
import { runDemo } from "../../devnet/demo.ts";
import { Monitor } from "../../devnet/monitor.ts";
import type { DemoResult } from "../../devnet/result.ts";
import { createChainClient } from "../../src/chain/client.ts";
import type { Deployment } from "../../src/chain/deployment.ts";
import { ChainDriver } from "../support/chainDriver.ts";
import { alterBalance, alterVote } from "../support/recount/alter.ts";
import { readInput, recount, type RecountInput } from "../support/recount/recount.ts";

/** Long, so that a busy machine has time between two steps of the chain's clock. */
const EPOCH_SECONDS = 240;

/** What the demo says as it goes. */
class Progress {
  readonly stream = new PassThrough();
  text = "";
  #look: () => void = () => undefined;

  constructor() {
    this.stream.setEncoding("utf8").on("data", (text: string) => {
      this.text += text;
      this.#look();
    });
  }

  /** Waits until it has said something. */
  async said(pattern: RegExp, signal: AbortSignal): Promise<RegExpExecArray> {
    const heard = Promise.withResolvers<undefined>();
    signal.addEventListener("abort", () => {
      heard.reject(new Error(`ended before it said ${pattern.source}`));
    });
    this.#look = () => {
      if (pattern.test(this.text)) heard.resolve(undefined);
    };
    this.#look();
    await heard.promise;
    return pattern.exec(this.text)!;
  }
}

/** Advances the demo's chain each time that all workers have done their work of the moment. */
async function drive(folder: string, progress: Progress, ended: AbortSignal): Promise<void> {
  const [, rpcUrl] = await progress.said(/JSON-RPC at (\S+)/, ended);
  const [, first] = await progress.said(/waiting for epoch (\d+), from which/, ended);
  const audited = Number(first);
  const text = readFileSync(path.join(folder, "devnet.json"), "utf8");
  const deployment = JSON.parse(text) as Deployment;
  const client = createChainClient([rpcUrl!], deployment.chainId);
  const driver = new ChainDriver(client, deployment);
  const monitor = new Monitor(client, deployment, []);
  const until = (what: string, condition: () => boolean) =>
    driver.until(what, async () => {
      ended.throwIfAborted();
      await monitor.refresh(await client.getBlockNumber());
      return condition();
    });
  const rounds = () => monitor.rounds(audited);

  const steps: readonly [share: number, what: string, done: () => boolean][] = [
    [0.56, "all five have committed", () => rounds().filter((each) => each.committed).length === 5],
    [0.42, "all five have revealed", () => rounds().filter((each) => each.votes > 0).length === 5],
    [0.42, "all five have claimed", () => rounds().filter((each) => each.claimed).length === 5],
    [
      0.9,
      "all three are settled",
      () => [1n, 2n, 3n].every((number) => monitor.settlement(number, audited) !== undefined),
    ],
  ];
  for (const [index, [share, what, done]] of steps.entries()) {
    const epoch = audited + index;
    await driver.jump(epoch, 0);
    await driver.jump(epoch, 0.3);
    await until(`the seed of epoch ${epoch} is proven`, () => monitor.hasSeed(epoch));
    if (index === 0) await progress.said(/download: \d+ ms gap/, ended);
    await driver.jump(epoch, share);
    await until(what, done);
  }
}

describe("the main job, in short form", function () {
  this.timeout(900_000);
  /** The demo's chain at its end. */
  let input: RecountInput;

  it("deploys, registers, audits, moves, pays: one epoch from an empty chain to the first rewards", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "blockcloud-e2e-"));
    const progress = new Progress();
    const stopping = new AbortController();
    const ended = new AbortController();
    let result: DemoResult;
    try {
      const demo = runDemo(
        {
          epochs: 1,
          folder,
          stream: progress.stream,
          live: false,
          devnet: {
            epochSeconds: EPOCH_SECONDS,
            // As the demo's own, but no time that a busy machine takes may change a grade.
            bounds: { excellentMs: 10_000, goodMs: 15_000, poorMs: 20_000 },
          },
          inspect: async ({ rpcUrl, deployment }) => {
            const client = createChainClient([rpcUrl], deployment.chainId);
            input = await readInput(client, deployment.contracts);
          },
        },
        stopping.signal,
      ).finally(() => {
        ended.abort(new Error("the demo has ended"));
      });
      const driven = drive(folder, progress, ended.signal).catch((error: unknown) => {
        // Settled sooner than thought, or for a reason of its own, which the demo then says.
        if (ended.signal.aborted) return;
        stopping.abort();
        throw error;
      });
      [result] = await Promise.all([demo, driven]);
    } finally {
      await rm(folder, { recursive: true });
    }

    const { text } = progress;
    expect(result.reasons, text).to.deep.equal([]);
    expect(result.ok).to.equal(true);
    expect(result.epochs).to.equal(1);
    expect(result.services.map((service) => service.number)).to.deep.equal([1, 2, 3]);
    expect(result.services.map((service) => service.verdicts)).to.deep.equal([[3], [3], [0]]);
    expect(result.services[2]!.reward).to.equal("0");
    expect(result.auditors).to.have.length(5);
    for (const auditor of result.auditors) {
      expect(auditor.rounds).to.equal(1);
      expect(auditor.votes).to.equal(3);
      expect(auditor.paidVotes).to.equal(3);
      expect(auditor.transactions).to.be.greaterThan(2);
    }
    const move = result.move!;
    expect(move).to.include({ service: 1, announcements: 0 });
    expect(move.to).not.to.equal(move.from);
    expect(move.peers, "the Coral nodes, the resolver, the auditors").to.be.at.least(4);
    const download = result.download!;
    expect(download).to.include({ service: 1, isWhole: true });
    expect(download.to, "where the service moved to").to.equal(`sal://${new URL(move.to).host}`);
    expect(download.from).to.equal(`sal://${new URL(move.from).host}`);
    expect(text).to.contain(`${new URL(move.from).host} to ${new URL(move.to).host}`);
    const relayLoss = result.relayLoss!;
    expect(relayLoss).to.include({ service: 3, isWhole: true });
    expect(relayLoss.from).to.equal(`sal://${relayLoss.killed}?relay`);
    expect(relayLoss.to)
      .to.match(/^sal:.*\?relay$/)
      .and.not.equal(relayLoss.from);
    expect(text).to.contain(`as sent, ${relayLoss.killed} to `);
    const paying = result.paying!;
    expect(paying).to.deep.include({ service: 1, differences: [] });
    expect(paying.requests).to.be.greaterThan(0);
    expect(BigInt(paying.signed) > 0n && paying.signed === paying.redeemed).to.equal(true);
    expect(BigInt(paying.left) + BigInt(paying.redeemed)).to.equal(BigInt(paying.deposited));
    const fee = BigInt(paying.burned) + BigInt(paying.contributed);
    expect(BigInt(paying.paidOut) + fee).to.equal(BigInt(paying.redeemed));
    expect(text).to.contain("figures add up to the last wei");
    expect(result.gasPerAudit).to.be.greaterThan(0);
    // Says at each wait what it waits for.
    expect(text).to.contain("waiting for epoch");
    expect(text).to.match(/waiting for \d+ claims and \d+ settlements/);
  });

  it("agrees with a recount from raw blocks, calldata and events, by the specification alone", async () => {
    const { compared, kinds, differences, draws } = await recount(input);
    expect(differences).to.deep.equal([]);
    expect(compared).to.be.at.least(400);
    // The least stake is a seventh of all, so each auditor is drawn for the only shard.
    expect(draws).to.have.length(5);
    for (const { drawn, revealed } of draws) {
      expect(drawn).to.deep.equal([0]);
      expect(revealed).to.deep.equal([0]);
    }
    // Of the audited epoch: five auditors, three services of which one failed, all of them paid.
    expect([...kinds.keys()]).to.include.members([
      "seed",
      "tally",
      "verdict",
      "balance",
      "supply",
      "reserve",
      "hash of the first block",
      "claim",
      "rewardPool.Reserved auditors",
      "proofOfService.Claimed reward",
      "settlement.Settled reward",
      // Of the user who pays for what it uses.
      "cashier.Deposited amount",
      "cashier.TabOpened limit",
      "cashier.Redeemed amount",
      "cashier.Collected fee",
    ]);
  });

  it("would not agree with one vote or one wei more or less", async () => {
    const vote = alterVote(input);
    const { differences } = await recount(vote.input);
    const named = differences.filter(({ epoch }) => epoch === vote.epoch);
    const figure = (what: string) => named.find((difference) => difference.what.startsWith(what));
    expect(figure("tally"), "the shard that the vote is about").to.include({ party: "shard 0" });
    expect(figure("reveal: the commitment")).to.include({
      party: vote.auditor,
      expected: "true",
      found: "false",
    });

    const { staking } = input.record.contracts;
    const balance = await recount(alterBalance(input, staking));
    expect(balance.differences).to.have.length(1);
    const [only] = balance.differences;
    expect(only).to.include({ party: staking });
    expect(BigInt(only!.found) - BigInt(only!.expected)).to.equal(1n);
  });
});
