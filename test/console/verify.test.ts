import { expect } from "chai";
import { toFunctionSelector } from "viem";
import { httpRpc, type Rpc } from "../../console/src/verify/rpc.ts";
import { verifyEpoch, type VerifyResult } from "../../console/src/verify/verify.ts";
import { BlockcloudError } from "../../src/protocol/errors.ts";
import { FIRST, type AuditedChain } from "../support/auditedChain.ts";
import { rejection } from "../support/rejection.ts";
import { readInput, recount } from "../support/recount/recount.ts";
import { alteringView, alteringVote } from "./support/lies.ts";
import { COUNTED, playEpochs } from "./support/verifiedChain.ts";

const SEED_OF = toFunctionSelector("seedOf(uint32)");

describe("the console's recount of an epoch", function () {
  this.timeout(300_000);
  let chain: AuditedChain;
  let rpc: Rpc;
  const { signal } = new AbortController();
  const verify = (epoch: number, by: Rpc = rpc): Promise<VerifyResult> =>
    verifyEpoch({ deployment: chain.deployment, epoch }, by, { signal, progress: () => undefined });

  before(async () => {
    chain = await playEpochs();
    rpc = httpRpc(chain.stage.devnet.rpcUrl, signal);
  });
  after(() => chain.stop());

  it("agrees with the contracts on each epoch, and compares every figure of it", async () => {
    for (let epoch = FIRST; epoch <= COUNTED; epoch++) {
      const result = await verify(epoch);
      expect(result.differences, `epoch ${epoch}`).to.deep.equal([]);
      expect(result.skipped).to.deep.equal([]);
      expect(result.compared).to.be.at.least(90);
    }
  });

  it("carries a verdict, and leaves out the round that was reported", async () => {
    const carried = await verify(COUNTED);
    const third = carried.services.find(({ number }) => number === 3n)!;
    expect(third).to.include({ grade: 2, gradedIn: FIRST + 1, settled: true });
    expect(third.due > 0n).to.equal(true);
    const reported = await verify(FIRST + 1);
    const silent = chain.auditors[2]!.owner;
    expect(reported.auditors.find(({ auditor }) => auditor === silent)).to.include({
      revealed: false,
      reward: 0n,
    });
  });

  it("gives the draws and the pay of a recount that shares no formula with it", async () => {
    const { draws, differences } = await recount(
      await readInput(chain.client, chain.deployment.contracts),
    );
    expect(differences).to.deep.equal([]);
    const result = await verify(FIRST);
    for (const { auditor, drawn } of result.auditors) {
      const other = draws.find((draw) => draw.auditor === auditor && draw.epoch === FIRST)!;
      expect(drawn.map(({ shard }) => shard)).to.deep.equal(other.drawn);
    }
    expect(result.auditors).to.have.length(3);
  });

  it("names one vote that the node altered, and what follows from it", async () => {
    const { differences } = await verify(FIRST, alteringVote(rpc, FIRST));
    const [first] = differences;
    expect(first).to.include({ what: "commitment", epoch: FIRST });
    expect(chain.auditors.map(({ owner }) => owner)).to.include(first!.party);
    const kinds = differences.map(({ what }) => what);
    expect(kinds).to.include.members(["tally", "pay of an auditor"]);
  });

  it("names one balance, and one view, that the node altered by one", async () => {
    const { token, proofOfService } = chain.deployment.contracts;
    const balance = await verify(FIRST, alteringView(rpc, token, "balanceOf(address)"));
    expect(new Set(balance.differences.map(({ what }) => what))).to.deep.equal(
      new Set(["balance"]),
    );
    const tally = await verify(FIRST, alteringView(rpc, proofOfService, "tallyOf(uint256,uint32)"));
    expect(tally.differences.map(({ what }) => what)).to.deep.equal(["tally"]);
  });

  it("refuses an epoch that is not final, one without a seed, and another chain", async () => {
    await rejection("EPOCH_NOT_FINAL", verify(COUNTED + 3));
    await rejection("EPOCH_WITHOUT_SEED", verify(1));
    const other: Rpc = (method, params) =>
      method === "eth_chainId" ? Promise.resolve("0x1") : rpc(method, params);
    await rejection("CHAIN_MISMATCH", verify(FIRST, other));
  });

  it("asks for fewer blocks when a node refuses a range, and names what a node without old states leaves out", async () => {
    const refusal = (message: string) =>
      Promise.reject(new BlockcloudError("RPC_REFUSED", message));
    let refused = 0;
    const poor: Rpc = (method, params) => {
      const [filter] = params as [{ fromBlock?: string; toBlock?: string }];
      if (method === "eth_getLogs" && Number(filter.toBlock) - Number(filter.fromBlock) >= 20) {
        refused += 1;
        return refusal("query returned more than 10000 results");
      }
      return method === "eth_call" && JSON.stringify(params).includes(SEED_OF)
        ? refusal("missing trie node")
        : rpc(method, params);
    };
    const result = await verify(FIRST, poor);
    expect(refused).to.be.above(0);
    expect(result.differences).to.deep.equal([]);
    expect(result.skipped.map(({ what }) => what)).to.deep.equal(["views of the epoch"]);
  });
});
