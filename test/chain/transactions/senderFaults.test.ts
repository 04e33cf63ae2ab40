import { expect } from "chai";
import { parseGwei, type Hex } from "viem";
import { rejection } from "../../support/rejection.ts";
import { note, OWNER, SenderRig, SINK } from "../../support/senderRig.ts";

describe("TransactionSender, when things go wrong", () => {
  let rig: SenderRig;

  beforeEach(async () => {
    rig = await SenderRig.start();
  });
  afterEach(() => rig.stop());

  it("replaces a transaction whose price the base fee has passed, until one is mined", async () => {
    const sending = rig.create().send(note(7n));
    await rig.said("transaction sent");
    // From 1 gwei, for which a transaction leaves room up to twice as much.
    await rig.baseFee("8");
    await rig.said("transaction replaced by one with a higher fee");
    await rig.mine();
    expect((await sending).status).to.equal("success");
    expect(await rig.mined(), "one of the two").to.deep.equal([7n]);
  });

  it("replaces one that miners pass over, by an eighth more each time", async () => {
    const sending = rig.create().send(note(1n));
    const [first] = await rig.said("transaction sent");
    const price = async (hash: unknown) =>
      (await rig.client.getTransaction({ hash: hash as Hex })).maxFeePerGas!;
    const before = await price(first!.fields.hash);
    await rig.anvil.request("anvil_dropTransaction", [first!.fields.hash]);
    for (let block = 0; block < 3; block++) await rig.mine();
    const [replaced] = await rig.said("transaction replaced by one with a higher fee");
    const after = await price(replaced!.fields.hash);
    expect(after * 8n >= before * 9n).to.equal(true);
    await rig.mine();
    await sending;
    expect(await rig.mined()).to.deep.equal([1n]);
  });

  it("stops at the fee limit, says so once, and goes on when gas is cheap again", async () => {
    const sending = rig.create({ maxFeePerGas: parseGwei("4") }).send(note(1n));
    await rig.said("transaction sent");
    await rig.baseFee("50");
    await rig.said("the fee limit delays a transaction");
    await rig.baseFee("40");
    await rig.baseFee("1");
    await rig.mineUntil(sending);
    expect(rig.log.said("warn").filter((line) => line.includes("fee limit"))).to.have.length(1);
    expect(await rig.mined()).to.deep.equal([1n]);
  });

  it("sends nothing while gas costs more than the limit, and the urgent call all the same", async () => {
    await rig.baseFee("50");
    const sender = rig.create({
      maxFeePerGas: parseGwei("10"),
      urgentMaxFeePerGas: parseGwei("200"),
    });
    const patient = sender.send(note(1n));
    expect(await sender.isAffordable()).to.equal(false);
    const urgent = sender.send(note(2n), { urgent: true });
    await rig.said("transaction sent");
    await rig.mine();
    await urgent;
    expect(await rig.mined()).to.deep.equal([2n]);
    await rig.baseFee("1");
    await rig.said("transaction sent", 2);
    await rig.mine();
    await patient;
    expect(await rig.mined()).to.deep.equal([2n, 1n]);
  });

  it("gives up a call whose deadline passes while it waits for its price", async () => {
    await rig.baseFee("50");
    const { timestamp } = await rig.client.getBlock();
    const sender = rig.create({ maxFeePerGas: parseGwei("10") });
    const failing = rejection(
      "TRANSACTION_EXPIRED",
      sender.send(note(1n), { deadline: Number(timestamp) + 60 }),
    );
    await rig.anvil.request("evm_increaseTime", [100]);
    await rig.mine();
    await failing;
    expect(await rig.pool()).to.equal("{}");
  });

  it("lets an urgent call push what is stuck before it", async () => {
    const sender = rig.create({
      maxFeePerGas: parseGwei("4"),
      urgentMaxFeePerGas: parseGwei("500"),
    });
    const stuck = sender.send(note(1n));
    await rig.said("transaction sent");
    await rig.baseFee("50");
    await rig.said("the fee limit delays a transaction");
    const urgent = sender.send(note(2n), { urgent: true });
    await rig.said("transaction sent", 2);
    await rig.mine();
    await rig.said("transaction replaced by one with a higher fee");
    await rig.mine();
    await Promise.all([stuck, urgent]);
    expect(await rig.mined()).to.deep.equal([1n, 2n]);
  });

  it("uses the nonce of a call whose caller has given up for the next one", async () => {
    const sender = rig.create();
    const abort = new AbortController();
    const aborted = sender.send(note(1n), { signal: abort.signal }).catch(() => "aborted");
    await rig.said("transaction sent");
    abort.abort();
    expect(await aborted).to.equal("aborted");
    const next = sender.send(note(2n));
    await rig.said("transaction sent", 2);
    await rig.mine();
    await next;
    expect(await rig.mined()).to.deep.equal([2n]);
  });

  it("replaces after a restart what waits from before, and leaves no nonce out", async () => {
    const before = rig
      .create()
      .send(note(1n))
      .catch(() => "gone with its process");
    await rig.said("transaction sent");
    // Another process with the same key: it knows nothing but the chain.
    const after = rig.create().send(note(1n));
    await rig.said("transaction sent", 2);
    await rig.mine();
    expect((await after).status).to.equal("success");
    expect(await rig.mined(), "the same call twice, mined once").to.deep.equal([1n]);
    for (let block = 0; block < 3; block++) await rig.mine();
    await before;
  });

  it("hands out again what the pool has lost", async () => {
    const sending = rig.create().send(note(1n));
    const [first] = await rig.said("transaction sent");
    await rig.anvil.request("anvil_dropTransaction", [first!.fields.hash]);
    await rig.said("transaction sent again");
    await rig.mine();
    await sending;
    expect(await rig.mined()).to.deep.equal([1n]);
  });

  it("goes through an endpoint that swallows transactions by handing them to the other", async () => {
    rig.proxy.swallow();
    const sending = rig.create({}, [rig.proxy.url, rig.anvil.rpcUrl]).send(note(1n));
    await rig.said("transaction sent");
    await rig.untilPooled();
    await rig.mine();
    await sending;
    expect(await rig.mined()).to.deep.equal([1n]);
  });

  it("takes an answer that was lost on the way for a doubt, and looks what was mined", async () => {
    // The node takes the transaction; its answer never arrives.
    let taken = 0;
    rig.proxy.after = ({ method }) => {
      if (method === "eth_sendRawTransaction" && taken++ === 0) throw new Error("cut");
    };
    const sending = rig.create({}, [rig.proxy.url]).send(note(1n));
    await rig.said("transaction sent");
    await rig.untilPooled();
    await rig.mine();
    expect((await sending).status).to.equal("success");
    expect(await rig.mined()).to.deep.equal([1n]);
  });

  it("fills a gap below its nonce that the chain's reorganisation has left", async () => {
    const sender = rig.create();
    const first = sender.send(note(1n));
    await rig.said("transaction sent");
    await rig.mine();
    await first;
    const second = sender.send(note(2n));
    await rig.said("transaction sent", 2);
    // Anvil forgets the transactions of the blocks that it takes back.
    await rig.anvil.request("anvil_reorg", [1, []]);
    expect(await rig.client.getTransactionCount({ address: OWNER })).to.equal(0);
    await rig.said("a gap before a transaction was filled");
    await rig.mineUntil(second);
    expect(await rig.mined()).to.deep.equal([1n, 2n]);
  });

  it("fills a gap with nothing where another process sent what the chain took back", async () => {
    const first = rig.create().send(note(1n));
    await rig.said("transaction sent");
    await rig.mine();
    await first;
    const second = rig.create().send(note(2n));
    await rig.said("transaction sent", 2);
    await rig.anvil.request("anvil_reorg", [1, []]);
    await rig.said("a gap before a transaction was filled");
    await rig.mineUntil(second);
    expect(await rig.mined()).to.deep.equal([0n, 2n]);
  });

  it("starts again at the chain's nonce after a reorganisation took back what was mined", async () => {
    const sender = rig.create();
    const first = sender.send(note(1n));
    await rig.said("transaction sent");
    await rig.mine();
    await first;
    await rig.anvil.request("anvil_reorg", [1, []]);
    const again = sender.send(note(1n));
    await rig.said("a reorganisation removed a mined transaction");
    await rig.said("transaction sent", 2);
    await rig.mine();
    await again;
    expect(await rig.mined()).to.deep.equal([1n]);
  });

  it("says so when another program uses the key", async () => {
    rig.readThroughProxy();
    const failing = rejection("TRANSACTION_REPLACED", rig.create().send(note(1n)));
    const [first] = await rig.said("transaction sent");
    await rig.anvil.request("anvil_dropTransaction", [first!.fields.hash]);
    const foreign = { from: OWNER, to: SINK, nonce: "0x0", maxFeePerGas: "0x2540be400" };
    await rig.anvil.request("eth_sendTransaction", [foreign]);
    // An endpoint may know of the nonce before it knows the receipt: it gets blocks and time for that.
    await rig.mine();
    await rig.looks();
    rig.ahead += 30_000;
    expect((await rig.mineUntil(failing)).retryable).to.equal(true);
  });

  it("waits for a receipt that comes long after its block, and sends nothing a second time", async () => {
    rig.readThroughProxy();
    const sending = rig.create({}, [rig.proxy.url]).send(note(7n));
    await rig.said("transaction sent");
    rig.proxy.fail({ result: null }, ["eth_getTransactionReceipt"]);
    for (let block = 0; block < 8; block++) {
      await rig.mine();
      rig.ahead += 5_000;
      await rig.looks();
    }
    rig.proxy.heal();
    expect((await sending).status).to.equal("success");
    expect(await rig.mined()).to.deep.equal([7n]);
  });

  it("takes the next nonce though the endpoint has not heard of its last block", async () => {
    rig.readThroughProxy();
    const sender = rig.create({}, [rig.anvil.rpcUrl]);
    const first = sender.send(note(1n));
    await rig.said("transaction sent");
    await rig.mine();
    await first;
    rig.proxy.fail({ result: "0x0" }, ["eth_getTransactionCount"]);
    rig.proxy.fail({ result: null }, ["eth_getTransactionReceipt"], 2);
    const second = sender.send(note(2n));
    await rig.said("transaction sent", 2);
    rig.proxy.heal();
    await rig.mine();
    await second;
    expect(await rig.mined()).to.deep.equal([1n, 2n]);
  });

  it("gives up with its name on a next nonce that is used", async () => {
    rig.readThroughProxy();
    await rig.anvil.request("anvil_setNonce", [OWNER, "0x5"]);
    rig.proxy.fail({ result: "0x0" }, ["eth_getTransactionCount"]);
    const failing = rejection("NONCE_STALE", rig.create({}, [rig.anvil.rpcUrl]).send(note(1n)));
    await rig.said("the endpoint's next nonce is used already, waiting");
    rig.ahead += 130_000;
    expect((await failing).retryable).to.equal(true);
    expect(await rig.pool()).to.equal("{}");
    const { pollingInterval } = rig.client;
    expect(rig.pauses, "it asks less and less often").to.include(2 * pollingInterval);
  });

  it("gives up a stale nonce at the call's deadline", async () => {
    rig.readThroughProxy();
    await rig.anvil.request("anvil_setNonce", [OWNER, "0x5"]);
    rig.proxy.fail({ result: "0x0" }, ["eth_getTransactionCount"]);
    const { timestamp } = await rig.client.getBlock();
    const deadline = Number(timestamp) + 60;
    const sending = rig.create({}, [rig.anvil.rpcUrl]).send(note(1n), { deadline });
    const failing = rejection("TRANSACTION_EXPIRED", sending);
    await rig.said("the endpoint's next nonce is used already, waiting");
    await rig.anvil.request("evm_increaseTime", [100]);
    await rig.mine();
    await failing;
  });

  it("keeps a call whose deadline no block has passed, however long the chain stands still", async () => {
    const { timestamp } = await rig.client.getBlock();
    const sending = rig.create().send(note(1n), { deadline: Number(timestamp) + 60 });
    await rig.said("transaction sent");
    rig.ahead += 3_600_000;
    const seen = rig.log.lines.length;
    await rig.anvil.request("evm_setNextBlockTimestamp", [Number(timestamp) + 30]);
    await rig.mine();
    expect((await sending).status).to.equal("success");
    expect(rig.log.lines.slice(seen).some(({ level }) => level === "error")).to.equal(false);
  });

  it("waits through an endpoint that is down for a while", async () => {
    rig.readThroughProxy();
    const sending = rig.create({}, [rig.proxy.url]).send(note(1n));
    await rig.said("transaction sent");
    rig.proxy.fail("cut");
    await rig.said("cannot check a transaction, trying again");
    rig.proxy.heal();
    await rig.mine();
    await sending;
    for (const { fields } of rig.log.lines) expect(String(fields.error)).not.to.contain("secret");
  });
});
