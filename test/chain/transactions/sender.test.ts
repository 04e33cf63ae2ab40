import { expect } from "chai";
import { artifacts, network } from "hardhat";
import { encodeDeployData, erc20Abi, type Abi, type Address, type Hex } from "viem";
import { createChainClient, type ChainClient } from "../../../src/chain/client.ts";
import { TransactionSender } from "../../../src/chain/transactions/sender.ts";
import type { Call } from "../../../src/chain/transactions/call.ts";
import { FakeTimers } from "../../support/fakeTime.ts";
import { MemoryLog } from "../../support/memoryLog.ts";
import { rejection } from "../../support/rejection.ts";

/** The first of Hardhat's well-known keys, and the tenth account, which never sends anything. */
const KEY: Hex = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
const OWNER: Address = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
const OTHER: Address = "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720";
/** More BLOC than there is. */
const TOO_MUCH = 10n ** 29n;

describe("TransactionSender", () => {
  let server: Awaited<ReturnType<typeof network.createServer>>;
  let rpcUrl: string;
  let client: ChainClient;
  let token: Address;
  let abi: Abi;
  let log: MemoryLog;
  let sender: TransactionSender;

  before(async () => {
    server = await network.createServer("default", "127.0.0.1", 0);
    rpcUrl = `http://127.0.0.1:${(await server.listen()).port}`;
    client = createChainClient([rpcUrl], 31_337);
    const artifact = await artifacts.readArtifact("BlocToken");
    abi = artifact.abi as Abi;
    const data = encodeDeployData({
      abi,
      bytecode: artifact.bytecode as Hex,
      args: [OTHER, OWNER],
    });
    const hash = await request<Hex>("eth_sendTransaction", { from: OWNER, data });
    token = (await client.waitForTransactionReceipt({ hash })).contractAddress!;
  });
  after(() => server.close());

  beforeEach(() => {
    log = new MemoryLog();
    sender = new TransactionSender(
      { rpcUrls: [rpcUrl], chainId: 31_337, key: KEY },
      { client, log },
    );
  });

  async function request<T>(method: string, ...params: unknown[]): Promise<T> {
    return await client.request({ method, params } as never);
  }

  function transfer(amount: bigint, to: Address = OTHER): Call {
    return { address: token, abi, functionName: "transfer", args: [to, amount] };
  }

  function balance(): Promise<bigint> {
    return client.readContract({
      address: token,
      abi: erc20Abi,
      functionName: "balanceOf",
      args: [OTHER],
    });
  }

  const nonce = () => client.getTransactionCount({ address: OWNER });

  it("sends from its key, and waits until the call is in a block", async () => {
    const before = await balance();
    const receipt = await sender.send(transfer(5n));
    expect(sender.address).to.equal(OWNER);
    expect(receipt.status).to.equal("success");
    expect(receipt.from).to.equal(OWNER.toLowerCase());
    expect((await balance()) - before).to.equal(5n);
    expect(log.said("debug")).to.deep.equal(["transaction sent", "transaction mined"]);
  });

  it("sends many at once one after the other, and no nonce twice", async () => {
    const [before, first] = [await balance(), await nonce()];
    const receipts = await Promise.all([1n, 2n, 3n, 4n].map((each) => sender.send(transfer(each))));
    expect((await balance()) - before).to.equal(10n);
    expect(await nonce()).to.equal(first + 4);
    const blocks = receipts.map(({ blockNumber }) => Number(blockNumber));
    expect(blocks).to.deep.equal(blocks.toSorted((a, b) => a - b));
    expect(log.said("debug")).to.deep.equal(
      Array(4).fill(["transaction sent", "transaction mined"]).flat(),
    );
  });

  it("sends nothing where the call would revert, and names the contract's error and its values", async () => {
    const first = await nonce();
    const error = await rejection("CALL_REVERTED", sender.send(transfer(TOO_MUCH)));
    expect(error.message).to.match(/^transfer reverts: ERC20InsufficientBalance\(0xf39.*, \d+, /);
    expect(error.message).to.contain(TOO_MUCH.toString());
    expect(error.retryable).to.equal(false);
    expect(await nonce()).to.equal(first);
    expect(log.lines).to.deep.equal([]);
  });

  it("goes on after a failure, which only its own caller sees", async () => {
    const before = await balance();
    const failing = rejection("CALL_REVERTED", sender.send(transfer(TOO_MUCH)));
    await sender.send(transfer(1n));
    await failing;
    expect((await balance()) - before).to.equal(1n);
  });

  it("says when the endpoint is the one that fails, and that another try may do", async () => {
    const dead = createChainClient(["http://127.0.0.1:1"], 31_337);
    const lost = new TransactionSender(
      { rpcUrls: [rpcUrl], chainId: 31_337, key: KEY },
      { client: dead, log },
    );
    const error = await rejection("TRANSACTION_FAILED", lost.send(transfer(1n)));
    expect(error.retryable).to.equal(true);
    expect(error.message).to.contain("transfer was not sent");
  });

  it("says so when the key has no ether", async () => {
    const poor = new TransactionSender(
      { rpcUrls: [rpcUrl], chainId: 31_337, key: `0x${"01".repeat(32)}` },
      { client, log },
    );
    const error = await rejection("TRANSACTION_FAILED", poor.send(transfer(0n)));
    expect(error.remedy).to.contain("balance");
  });

  it("tells a transaction that failed in its block, though its estimate did not", async () => {
    const stale: ChainClient = { ...client, estimateContractGas: async () => 100_000n };
    const careless = new TransactionSender(
      { rpcUrls: [rpcUrl], chainId: 31_337, key: KEY },
      { client: stale, log },
    );
    await request("evm_setAutomine", false);
    try {
      const failing = rejection("TRANSACTION_REVERTED", careless.send(transfer(TOO_MUCH)));
      while (log.said("debug").length === 0) await client.getBlockNumber();
      await request("evm_mine");
      expect((await failing).retryable).to.equal(true);
    } finally {
      await request("evm_setAutomine", true);
    }
  });

  it("gives a transaction more gas than its estimate, and never more than the cap", async () => {
    const gasOf = async (estimate: bigint) => {
      const padded: ChainClient = { ...client, estimateContractGas: async () => estimate };
      const options = { rpcUrls: [rpcUrl], chainId: 31_337, key: KEY };
      const receipt = await new TransactionSender(options, { client: padded, log }).send(
        transfer(1n),
      );
      return (await client.getTransaction({ hash: receipt.transactionHash })).gas;
    };
    expect(await gasOf(100_000n)).to.equal(210_000n);
    expect(await gasOf(16_000_000n)).to.equal(16_777_216n);
  });

  it("keeps its word on errors when a transaction does not come into a block", async () => {
    const timers = new FakeTimers();
    const waiting = new TransactionSender(
      { rpcUrls: [rpcUrl], chainId: 31_337, key: KEY },
      { client, log, timers },
    );
    await request("evm_setAutomine", false);
    try {
      const failing = rejection("TRANSACTION_FAILED", waiting.send(transfer(1n)));
      const error = await timers.play(failing);
      expect(error.retryable).to.equal(true);
      expect(error.message).to.match(/transfer .*0x[0-9a-f]{64}/);
      expect(timers.monotonic()).to.be.within(120_000, 121_000);
    } finally {
      await request("evm_mine");
      await request("evm_setAutomine", true);
    }
  });
});
