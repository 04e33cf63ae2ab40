import { expect } from "chai";
import { AuditedChain, FIRST } from "../support/auditedChain.ts";
import { devKey } from "../../devnet/devnet.ts";
import { keyIndex } from "../../devnet/stage.ts";
import { sender } from "../../devnet/cast.ts";
import { httpRpc } from "../../console/src/verify/rpc.ts";
import { verifyEpoch } from "../../console/src/verify/verify.ts";
import { abis } from "../support/recount/calls.ts";

describe("the console's recount of an epoch", function () {
  this.timeout(300_000);
  let chain: AuditedChain;
  before(async () => {
    chain = await AuditedChain.start({ services: [4_000, 3_000, 120_000], auditors: [10_000, 11_000, 13_000] });
    let epoch = FIRST;
    for (; epoch <= FIRST + 3; epoch++) {
      await chain.enter(epoch);
      for (const auditor of [0, 1, 2]) if (epoch > FIRST) await chain.reveal(epoch - 1, auditor);
      await chain.commit(epoch, 0, { 1: 3, 2: 2, 3: 0 });
      await chain.commit(epoch, 1, { 1: 2, 2: 1, 3: 0 });
      await chain.commit(epoch, 2, { 1: 3, 2: 3 });
      if (epoch >= FIRST + 2) for (const auditor of [0, 1, 2]) await chain.claim(epoch - 2, auditor);
    }
    await chain.enter(epoch);
    for (const auditor of [0, 1, 2]) await chain.reveal(epoch - 1, auditor);
    await chain.enter(++epoch);
    for (const number of [1n, 2n, 3n]) {
      await sender(chain.stage, devKey(keyIndex.visitor).key).send({
        address: chain.deployment.contracts.settlement,
        abi: abis.settlement,
        functionName: "settle",
        args: [number, epoch - 2],
      });
    }
  });
  after(() => chain.stop());

  it("agrees", async () => {
    const { signal } = new AbortController();
    const rpc = httpRpc(chain.stage.devnet.rpcUrl, signal);
    const result = await verifyEpoch({ deployment: chain.deployment, epoch: FIRST + 1 }, rpc, { signal, progress: () => undefined });
    console.log(result);
    expect(result.differences).to.deep.equal([]);
  });
});
