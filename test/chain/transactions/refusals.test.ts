import { expect } from "chai";
import type { Hex } from "viem";
import { rejection } from "../../support/rejection.ts";
import { RpcProxy } from "../../support/rpcProxy.ts";
import { note, SenderRig } from "../../support/senderRig.ts";

describe("TransactionSender, by what nodes say of a transaction", () => {
  let rig: SenderRig;

  beforeEach(async () => {
    rig = await SenderRig.start();
  });
  afterEach(() => rig.stop());

  for (const [node, words] of [
    ["Erigon", "INTERNAL_ERROR: could not replace existing tx"],
    ["Nethermind", "ReplacementNotAllowed"],
    ["geth", "replacement transaction underpriced"],
  ] as const) {
    it(`outbids what waits where ${node} says "${words}"`, async () => {
      rig.proxy.fail({ error: { code: -32_000, message: words } }, ["eth_sendRawTransaction"], 2);
      const sending = rig.create({}, [rig.proxy.url]).send(note(1n));
      const [first] = await rig.said("transaction sent");
      const { maxFeePerGas } = await rig.client.getTransaction({ hash: first!.fields.hash as Hex });
      const { baseFeePerGas } = await rig.client.getBlock();
      expect(maxFeePerGas! > 2n * baseFeePerGas!, "two bids higher").to.equal(true);
      await rig.mine();
      await sending;
      expect(await rig.mined()).to.deep.equal([1n]);
    });
  }

  for (const words of [
    "existing tx with same hash",
    "AlreadyKnown",
    "ALREADY_EXISTS: already known",
  ]) {
    it(`takes "${words}" for success`, async () => {
      rig.proxy.override = ({ method, params }) => {
        if (method !== "eth_sendRawTransaction") return undefined;
        void rig.anvil.request(method, params);
        return { error: { code: -32_000, message: words } };
      };
      const sending = rig.create({}, [rig.proxy.url]).send(note(1n));
      await rig.said("transaction sent");
      await rig.untilPooled();
      await rig.mine();
      await sending;
      expect(await rig.mined()).to.deep.equal([1n]);
    });
  }

  it("sends nothing that would use more gas than the caller allows", async () => {
    const sender = rig.create();
    const gas = await rig.client.estimateContractGas({ ...note(1n), account: sender.address });
    await rejection("CALL_EXPENSIVE", sender.send(note(1n), { maxGas: gas - 1n }));
    const sending = sender.send(note(2n), { maxGas: gas });
    await rig.said("transaction sent");
    await rig.mine();
    await sending;
    expect(await rig.mined()).to.deep.equal([2n]);
  });

  it("looks a transaction up before it believes that it was refused", async () => {
    // The node takes it, and says the opposite.
    rig.proxy.override = ({ method }) =>
      method === "eth_sendRawTransaction"
        ? { error: { code: -32_000, message: "invalid chain id for signer" } }
        : undefined;
    rig.proxy.before = async ({ method, params }) => {
      if (method === "eth_sendRawTransaction") await rig.anvil.request(method, params);
    };
    const sending = rig.create({}, [rig.proxy.url]).send(note(1n));
    await rig.said("transaction sent");
    await rig.mine();
    await sending;
    expect(await rig.mined()).to.deep.equal([1n]);
  });

  it("goes on where one endpoint takes it and says so late, and the other refuses it", async () => {
    const other = new RpcProxy(rig.anvil.rpcUrl);
    await other.start();
    try {
      const refusal = { error: { code: -32_000, message: "invalid chain id" } };
      other.fail(refusal, ["eth_sendRawTransaction"]);
      rig.proxy.after = ({ method }) => {
        if (method === "eth_sendRawTransaction") throw new Error("cut, after it was taken");
      };
      const sending = rig.create({}, [rig.proxy.url, other.url]).send(note(1n));
      await rig.said("transaction sent");
      await rig.mine();
      await sending;
      expect(await rig.mined()).to.deep.equal([1n]);
    } finally {
      await other.stop();
    }
  });

  it("says what nodes refuse a call for, once and at once", async () => {
    const words = "insufficient funds for gas * price + value";
    rig.proxy.fail({ error: { code: -32_000, message: words } }, ["eth_sendRawTransaction"]);
    const error = await rejection(
      "TRANSACTION_FAILED",
      rig.create({}, [rig.proxy.url]).send(note(1n)),
    );
    expect(error.message).to.contain(words);
    expect(rig.proxy.count("eth_sendRawTransaction")).to.equal(1);
  });

  it("hands a call out again through an internal error of the node", async () => {
    const error = { code: -32_603, message: "Internal error" };
    rig.proxy.fail({ error }, ["eth_sendRawTransaction"], 2);
    const sending = rig.create({}, [rig.proxy.url]).send(note(1n));
    await rig.said("transaction sent");
    await rig.untilPooled();
    await rig.mine();
    await sending;
    expect(await rig.mined()).to.deep.equal([1n]);
  });

  it("pays less where the node caps what a transaction may cost", async () => {
    const words = "tx fee (1.37 ether) exceeds the configured cap (1.00 ether)";
    rig.proxy.fail({ error: { code: -32_000, message: words } }, ["eth_sendRawTransaction"], 1);
    const sending = rig.create({}, [rig.proxy.url]).send(note(1n));
    const [first] = await rig.said("transaction sent");
    const { maxFeePerGas, maxPriorityFeePerGas } = await rig.client.getTransaction({
      hash: first!.fields.hash as Hex,
    });
    const { baseFeePerGas } = await rig.client.getBlock();
    expect(maxFeePerGas! - maxPriorityFeePerGas!).to.equal((baseFeePerGas! * 9n) / 8n);
    await rig.mine();
    await sending;
    rig.proxy.fail({ error: { code: -32_000, message: words } }, ["eth_sendRawTransaction"]);
    const error = await rejection(
      "TRANSACTION_FAILED",
      rig.create({}, [rig.proxy.url]).send(note(2n)),
    );
    expect(error.message).to.contain(words);
  });
});
