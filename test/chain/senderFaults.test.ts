import { expect } from "chai";
import { parseGwei, type Address, type Hex } from "viem";
import { createChainClient, type ChainClient } from "../../src/chain/client.ts";
import type { FeePolicy } from "../../src/chain/fees.ts";
import { TransactionSender, type Call } from "../../src/chain/sender.ts";
import { startAnvil, type Anvil } from "../support/anvil.ts";
import { MemoryLog } from "../support/memoryLog.ts";
import { RpcProxy } from "../support/rpcProxy.ts";
import { rejection } from "../support/rejection.ts";

/** The first of the well-known test keys. */
const KEY: Hex = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
const OWNER: Address = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
const SINK: Address = `0x${"5a".repeat(20)}`;
/** A call that any address takes; which one it is shows in its argument. */
const abi = [
  {
    type: "function",
    name: "note",
    inputs: [{ name: "mark", type: "uint256" }],
    outputs: [],
    stateMutability: "nonpayable",
  },
] as const;

const note = (mark: bigint): Call => ({ address: SINK, abi, functionName: "note", args: [mark] });

describe("TransactionSender, when things go wrong", function () {
  this.timeout(60_000);

  let anvil: Anvil;
  let proxy: RpcProxy;
  let client: ChainClient;
  let log: MemoryLog;

  beforeEach(async () => {
    // Blocks come when the test wants them.
    anvil = await startAnvil({ args: ["--no-mining"] });
    proxy = new RpcProxy(anvil.rpcUrl);
    await proxy.start();
    client = createChainClient([anvil.rpcUrl], 31_337);
    client.pollingInterval = 10;
    log = new MemoryLog();
  });
  afterEach(async () => {
    await proxy.stop();
    await anvil.stop();
  });

  const create = (fees: FeePolicy = {}, rpcUrls: readonly string[] = [anvil.rpcUrl]) =>
    new TransactionSender({ rpcUrls, chainId: 31_337, key: KEY, fees }, { client, log });

  const mine = () => anvil.request("evm_mine");
  const baseFee = async (gwei: string) => {
    await anvil.request("anvil_setNextBlockBaseFeePerGas", [`0x${parseGwei(gwei).toString(16)}`]);
    await mine();
  };
  /** Mines until something is settled. */
  const mineUntil = async <T>(promise: Promise<T>): Promise<T> => {
    let isSettled = false;
    const settle = () => (isSettled = true);
    promise.then(settle, settle);
    while (!isSettled) await mine();
    return promise;
  };
  const pool = async () => {
    const content = await anvil.request<{ pending: object; queued: object }>("txpool_content");
    return JSON.stringify({ ...content.pending, ...content.queued });
  };
  const said = async (message: string, times = 1) => {
    const lines = () => log.lines.filter((line) => line.message === message);
    while (lines().length < times) await anvil.request("eth_blockNumber");
    return lines();
  };
  /** The marks of what was mined, in order. */
  const mined = async () => {
    const marks: bigint[] = [];
    for (let number = 1n; number <= (await client.getBlockNumber()); number++) {
      const { transactions } = await client.getBlock({
        blockNumber: number,
        includeTransactions: true,
      });
      for (const { input } of transactions)
        marks.push(input === "0x" ? 0n : BigInt(`0x${input.slice(10)}`));
    }
    return marks;
  };

  it("replaces a transaction whose price the base fee has passed, until one is mined", async () => {
    const sending = create().send(note(7n));
    await said("transaction sent");
    // From 1 gwei, for which a transaction leaves room up to twice as much.
    await baseFee("8");
    await said("transaction replaced by one that pays more");
    await mine();
    expect((await sending).status).to.equal("success");
    expect(await mined(), "one of the two").to.deep.equal([7n]);
  });

  it("replaces one that miners pass over, by an eighth more each time", async () => {
    const sending = create().send(note(1n));
    const [first] = await said("transaction sent");
    const price = async (hash: unknown) =>
      (await client.getTransaction({ hash: hash as Hex })).maxFeePerGas!;
    const before = await price(first!.fields.hash);
    await anvil.request("anvil_dropTransaction", [first!.fields.hash]);
    for (let block = 0; block < 3; block++) await mine();
    const [replaced] = await said("transaction replaced by one that pays more");
    const after = await price(replaced!.fields.hash);
    expect(after * 8n >= before * 9n).to.equal(true);
    await mine();
    await sending;
    expect(await mined()).to.deep.equal([1n]);
  });

  it("stops at the fee limit, says so once, and goes on when gas is cheap again", async () => {
    const sending = create({ maxFeePerGas: parseGwei("4") }).send(note(1n));
    await said("transaction sent");
    await baseFee("50");
    await said("the fee limit holds up a transaction");
    await baseFee("40");
    await baseFee("1");
    await mineUntil(sending);
    expect(log.said("warn").filter((line) => line.includes("fee limit"))).to.have.length(1);
    expect(await mined()).to.deep.equal([1n]);
  });

  it("sends nothing while gas costs more than the limit, and the urgent call all the same", async () => {
    await baseFee("50");
    const sender = create({ maxFeePerGas: parseGwei("10"), urgentMaxFeePerGas: parseGwei("200") });
    const patient = sender.send(note(1n));
    expect(await sender.isAffordable()).to.equal(false);
    const urgent = sender.send(note(2n), { urgent: true });
    await said("transaction sent");
    await mine();
    await urgent;
    expect(await mined()).to.deep.equal([2n]);
    await baseFee("1");
    await said("transaction sent", 2);
    await mine();
    await patient;
    expect(await mined()).to.deep.equal([2n, 1n]);
  });

  it("gives up a call whose deadline passes while it waits for its price", async () => {
    await baseFee("50");
    const { timestamp } = await client.getBlock();
    const sender = create({ maxFeePerGas: parseGwei("10") });
    const failing = rejection(
      "TRANSACTION_EXPIRED",
      sender.send(note(1n), { deadline: Number(timestamp) + 60 }),
    );
    await anvil.request("evm_increaseTime", [100]);
    await mine();
    await failing;
    expect(await pool()).to.equal("{}");
  });

  it("lets an urgent call push what is stuck before it", async () => {
    const sender = create({ maxFeePerGas: parseGwei("4"), urgentMaxFeePerGas: parseGwei("500") });
    const stuck = sender.send(note(1n));
    await said("transaction sent");
    await baseFee("50");
    await said("the fee limit holds up a transaction");
    const urgent = sender.send(note(2n), { urgent: true });
    await said("transaction sent", 2);
    await mine();
    await said("transaction replaced by one that pays more");
    await mine();
    await Promise.all([stuck, urgent]);
    expect(await mined()).to.deep.equal([1n, 2n]);
  });

  it("uses the nonce of a call that nobody waits for any more for the next one", async () => {
    const sender = create();
    const abort = new AbortController();
    const aborted = sender.send(note(1n), { signal: abort.signal }).catch(() => "aborted");
    await said("transaction sent");
    abort.abort();
    expect(await aborted).to.equal("aborted");
    const next = sender.send(note(2n));
    await said("transaction sent", 2);
    await mine();
    await next;
    expect(await mined()).to.deep.equal([2n]);
  });

  it("replaces after a restart what waits from before, and leaves no nonce out", async () => {
    const before = create()
      .send(note(1n))
      .catch(() => "gone with its process");
    await said("transaction sent");
    // Another process with the same key: it knows nothing but the chain.
    const after = create().send(note(1n));
    await said("transaction sent", 2);
    await mine();
    expect((await after).status).to.equal("success");
    expect(await mined(), "the same call twice, mined once").to.deep.equal([1n]);
    for (let block = 0; block < 3; block++) await mine();
    await before;
  });

  it("hands out again what the pool has lost", async () => {
    const sending = create().send(note(1n));
    const [first] = await said("transaction sent");
    await anvil.request("anvil_dropTransaction", [first!.fields.hash]);
    await said("transaction handed out again");
    await mine();
    await sending;
    expect(await mined()).to.deep.equal([1n]);
  });

  it("goes through an endpoint that swallows transactions by handing them to the other", async () => {
    proxy.swallow();
    const sending = create({}, [proxy.url, anvil.rpcUrl]).send(note(1n));
    await said("transaction sent");
    while ((await pool()) === "{}") await client.getBlockNumber();
    await mine();
    await sending;
    expect(await mined()).to.deep.equal([1n]);
  });

  it("takes an answer that was lost on the way for a doubt, and looks what was mined", async () => {
    // The node takes the transaction; its answer never arrives.
    let swallowed = 0;
    proxy.before = ({ method }) => {
      if (method === "eth_sendRawTransaction" && swallowed++ === 0) proxy.mode = "down";
    };
    proxy.override = ({ method, params }) => {
      if (method !== "eth_sendRawTransaction" || swallowed !== 1) return undefined;
      void anvil.request(method, params);
      return { error: { code: -32005, message: "busy" } };
    };
    const sending = create({}, [proxy.url]).send(note(1n));
    await said("transaction sent");
    while ((await pool()) === "{}") await client.getBlockNumber();
    await mine();
    expect((await sending).status).to.equal("success");
    expect(await mined()).to.deep.equal([1n]);
  });

  it("fills a gap below its nonce that the chain's reorganisation has left", async () => {
    const sender = create();
    const first = sender.send(note(1n));
    await said("transaction sent");
    await mine();
    await first;
    const second = sender.send(note(2n));
    await said("transaction sent", 2);
    // Anvil forgets the transactions of the blocks that it takes back.
    await anvil.request("anvil_reorg", [1, []]);
    expect(await client.getTransactionCount({ address: OWNER })).to.equal(0);
    await said("a gap before a transaction was filled");
    await mineUntil(second);
    expect(await mined()).to.deep.equal([1n, 2n]);
  });

  it("fills a gap with nothing where another process sent what the chain took back", async () => {
    const first = create().send(note(1n));
    await said("transaction sent");
    await mine();
    await first;
    const second = create().send(note(2n));
    await said("transaction sent", 2);
    await anvil.request("anvil_reorg", [1, []]);
    await said("a gap before a transaction was filled");
    await mineUntil(second);
    expect(await mined()).to.deep.equal([0n, 2n]);
  });

  it("starts again at the chain's nonce after a reorganisation took back what was mined", async () => {
    const sender = create();
    const first = sender.send(note(1n));
    await said("transaction sent");
    await mine();
    await first;
    await anvil.request("anvil_reorg", [1, []]);
    const again = sender.send(note(1n));
    await said("a transaction that was mined is no more");
    await said("transaction sent", 2);
    await mine();
    await again;
    expect(await mined()).to.deep.equal([1n]);
  });

  it("says so when another program uses the key", async () => {
    const failing = rejection("TRANSACTION_REPLACED", create().send(note(1n)));
    const [first] = await said("transaction sent");
    await anvil.request("anvil_dropTransaction", [first!.fields.hash]);
    const foreign = { from: OWNER, to: SINK, nonce: "0x0", maxFeePerGas: "0x2540be400" };
    await anvil.request("eth_sendTransaction", [foreign]);
    // An endpoint may know of the nonce before it knows the receipt: two blocks are waited for.
    expect((await mineUntil(failing)).retryable).to.equal(true);
  });

  it("waits through an endpoint that is down for a while", async () => {
    client = createChainClient([proxy.url], 31_337);
    client.pollingInterval = 10;
    const sending = create({}, [proxy.url]).send(note(1n));
    await said("transaction sent");
    proxy.mode = "down";
    await said("cannot look after a transaction, trying again");
    proxy.mode = "well";
    await mine();
    await sending;
    for (const { fields } of log.lines) expect(String(fields.error)).not.to.contain("secret");
  });
});
