import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect } from "chai";
import { erc20Abi, parseEther, type Address } from "viem";
import { Challenges, type ChallengeState } from "../../src/chain/challenges.ts";
import { createChainClient } from "../../src/chain/client.ts";
import { Seeds } from "../../src/chain/seeds.ts";
import type { TransactionSender } from "../../src/chain/transactions/sender.ts";
import { Services } from "../../src/chain/services.ts";
import { castProviders, sender, writeDeployment } from "../../devnet/cast.ts";
import { keyIndex, type Stage } from "../../devnet/stage.ts";
import { startProvider } from "../../devnet/processes.ts";
import { devKey, startDevnet } from "../../devnet/devnet.ts";
import type { WorkerProcess } from "../../devnet/worker.ts";
import { challengeBookAbi } from "../../src/protocol/abi/challengeBook.ts";
import { proofOfServiceAbi } from "../../src/protocol/abi/proofOfService.ts";
import { settlementAbi } from "../../src/protocol/abi/settlement.ts";
import { serviceRegistryAbi } from "../../src/protocol/abi/serviceRegistry.ts";
import { stakingAbi } from "../../src/protocol/abi/staking.ts";
import { ChainDriver } from "../support/chainDriver.ts";

/** Long, so that a busy machine has time between two steps of the chain's clock. */
const EPOCH_SECONDS = 240;
const WINDOW = 300;
const BOND = parseEther("50");
/** Of the bond of an answered challenge. */
const BURNED = parseEther("10");
/** Of 2,000 BLOC at stake. The challenger gets 30% of it, and 20% for resolving the challenge. */
const PENALTY = parseEther("40");

describe("challenges, end to end, with real processes", () => {
  let stage: Stage;
  let driver: ChainDriver;
  let challenges: Challenges;
  let registry: Services;
  let stranger: TransactionSender;
  let providers: WorkerProcess[];
  let upstreams: readonly string[];
  const closing: (() => Promise<unknown>)[] = [];

  /** Runs the provider of a service again, after it was killed. */
  const restart = async (number: number) => {
    providers[number - 1] = startProvider(
      stage,
      BigInt(number),
      upstreams[number - 1]!,
      devKey(keyIndex.service + number - 1).key,
      devKey(owner(number)).key,
    );
    return providers[number - 1]!;
  };
  const owner = (number: number) => keyIndex.owner + number - 1;
  const ownerOf = (number: number) => devKey(owner(number)).address;
  const balance = (who: Address) =>
    stage.client.readContract({
      address: stage.devnet.deployment.contracts.token,
      abi: erc20Abi,
      functionName: "balanceOf",
      args: [who],
    });
  const challenge = async (number: number): Promise<bigint> => {
    const { contracts } = stage.devnet.deployment;
    const args = [contracts.challengeBook, BOND] as const;
    await stranger.send({ address: contracts.token, abi: erc20Abi, functionName: "approve", args });
    await stranger.send({
      address: contracts.challengeBook,
      abi: challengeBookAbi,
      functionName: "challenge",
      args: [BigInt(number)],
    });
    const id = await challenges.open(BigInt(number));
    return id ?? expect.fail("no challenge was opened");
  };
  /** Goes to an epoch. */
  const enter = (epoch: number) => driver.jump(epoch, 0);
  /** Records the seed of the epoch that the chain is in. */
  const tick = async (epoch: number) => {
    const { number, timestamp } = await stage.client.getBlock();
    const head = { number, timestamp: Number(timestamp) };
    const proof = await new Seeds(stage.client, stage.devnet.deployment).prove(epoch, head);
    await stranger.send({
      address: stage.devnet.deployment.contracts.proofOfService,
      abi: proofOfServiceAbi,
      functionName: "tick",
      args: [proof.firstHeader, proof.parentHeader],
    });
  };
  const ended = (id: bigint, state: ChallengeState) =>
    driver.until(`challenge ${id} is ${state}`, async () => {
      return (await challenges.get(id)).state === state;
    });
  /** Transactions of an address that have no block yet. */
  const waiting = async (address: Address) => {
    const [pending, mined] = await Promise.all(
      (["pending", "latest"] as const).map((blockTag) =>
        stage.client.getTransactionCount({ address, blockTag }),
      ),
    );
    return pending! - mined!;
  };
  const settledThrough = (number: bigint) =>
    stage.client.readContract({
      address: stage.devnet.deployment.contracts.settlement,
      abi: settlementAbi,
      functionName: "settledThrough",
      args: [number],
    });
  /** Transactions to the challenge book since a block, those that reverted included. */
  const answersSince = async (first: bigint) => {
    let count = 0;
    for (let number = first; number <= (await stage.client.getBlockNumber()); number++) {
      const block = await stage.client.getBlock({ blockNumber: number, includeTransactions: true });
      const book = stage.devnet.deployment.contracts.challengeBook.toLowerCase();
      count += block.transactions.filter(({ to }) => to?.toLowerCase() === book).length;
    }
    return count;
  };
  const rpc = (method: string, params: readonly unknown[] = []) =>
    (stage.client.request as (call: object) => Promise<unknown>)({ method, params });

  before(async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "blockcloud-e2e-"));
    closing.push(() => rm(folder, { recursive: true }));
    const devnet = await startDevnet(folder, {
      automine: true,
      epochSeconds: EPOCH_SECONDS,
      challengeWindow: WINDOW,
    });
    closing.push(() => devnet.stop());
    const { deployment, rpcUrl } = devnet;
    const client = createChainClient([rpcUrl], deployment.chainId);
    const treasury = sender({ devnet, client }, devKey(keyIndex.treasury).key);
    stage = { devnet, client, treasury, folder, bootstrap: [], say: () => undefined };
    await writeDeployment(stage);
    driver = new ChainDriver(client, deployment);
    challenges = new Challenges(client, deployment);
    registry = new Services(client, deployment);

    stranger = sender(stage, devKey(keyIndex.visitor).key);
    const args = [stranger.address, parseEther("1000")] as const;
    const { token } = deployment.contracts;
    await treasury.send({ address: token, abi: erc20Abi, functionName: "transfer", args });

    providers = [];
    closing.push(() => Promise.all(providers.map((worker) => worker.stop())));
    const cast = await castProviders(stage, () => ({ kind: "none" }), providers);
    closing.push(() => Promise.all(cast.upstreams.map((upstream) => upstream.stop())));
    upstreams = [cast.upstreams[0]!.url, rpcUrl, cast.upstreams[1]!.url];
    // They count from the next epoch but one.
    await enter(2);
  });

  after(async () => {
    for (const close of closing.reverse()) await close();
  });

  it("a stranger's challenge is answered by the running provider, whose owner gets four fifths of the bond", async () => {
    const [before, paid] = [await balance(ownerOf(1)), await balance(stranger.address)];
    const id = await challenge(1);
    const line = await providers[0]!.logged("the service is challenged");
    expect(line).to.include({ level: "warn", challenger: stranger.address });
    expect(await balance(stranger.address)).to.equal(paid - BOND);
    await enter(3);
    expect((await challenges.get(id)).state).to.equal("Open");

    await tick(3);
    await ended(id, "Answered");
    await providers[0]!.logged("challenge answered");
    expect(await balance(ownerOf(1))).to.equal(before + BOND - BURNED);
    expect(await registry.statusNow(1n)).to.equal("Active");
  });

  it("a provider killed before the challenge, and restarted inside the window, answers it", async () => {
    await providers[1]!.kill();
    const before = await balance(ownerOf(2));
    const id = await challenge(2);
    await enter(4);
    await tick(4);
    expect((await challenges.get(id)).state).to.equal("Open");

    await (await restart(2)).logged("challenge answered");
    expect((await challenges.get(id)).state).to.equal("Answered");
    expect(await balance(ownerOf(2))).to.equal(before + BOND - BURNED);
  });

  it("a provider killed when its answer was sent, but not mined, pays for no second one", async () => {
    const id = await challenge(1);
    await enter(5);
    // Its bookkeeping is over: what it sends next is the answer.
    await driver.until("it has settled", async () => (await settledThrough(1n)) === 3);
    const first = (await stage.client.getBlockNumber()) + 1n;
    await rpc("evm_setAutomine", [false]);
    try {
      const ticked = tick(5);
      await driver.until("the tick waits", async () => (await waiting(stranger.address)) === 1);
      await rpc("evm_mine");
      await ticked;
      await driver.until("the answer waits", async () => {
        return (await waiting(ownerOf(1))) === 1;
      });
      await providers[0]!.kill();
      await (await restart(1)).logged("the challenge has its question");
      expect((await challenges.get(id)).state).to.equal("Open");
    } finally {
      await rpc("evm_setAutomine", [true]);
      await rpc("evm_mine");
    }

    await ended(id, "Answered");
    await providers[0]!.logged("challenge answered");
    await providers[0]!.logged("provider started");
    expect(await answersSince(first)).to.equal(1);
  });

  it("a provider that stays dead costs its staker, and its service is suspended", async () => {
    await providers[2]!.kill();
    const id = await challenge(3);
    await enter(6);
    await tick(6);
    const before = await balance(stranger.address);
    const { deadline } = (await challenges.question(id))!;
    await rpc("evm_setNextBlockTimestamp", [deadline + 1]);
    await rpc("evm_mine");
    await stranger.send({
      address: stage.devnet.deployment.contracts.challengeBook,
      abi: challengeBookAbi,
      functionName: "resolve",
      args: [id],
    });

    expect((await challenges.get(id)).state).to.equal("Unanswered");
    expect(await balance(stranger.address)).to.equal(before + BOND + PENALTY / 2n);
    expect(await registry.statusNow(3n)).to.equal("Suspended");
    const [stake] = await stage.client.readContract({
      address: stage.devnet.deployment.contracts.staking,
      abi: stakingAbi,
      functionName: "serviceStakeAt",
      args: [3n, 1_000],
    });
    expect(stake).to.equal(parseEther("2000") - PENALTY);
  });

  it("its restarted agent warns of the suspension, until the owner reinstates", async () => {
    const agent = await restart(3);
    const line = await agent.logged("the service is not active");
    expect(line).to.include({ level: "warn", status: "Suspended" });
    await agent.logged("provider started");

    await sender(stage, devKey(owner(3)).key).send({
      address: stage.devnet.deployment.contracts.registry,
      abi: serviceRegistryAbi,
      functionName: "reinstate",
      args: [3n],
    });
    await driver.jump(9, 0.7);
    await agent.logged("the service is active");
    expect(await registry.isActive(3n, 9)).to.equal(true);
  });
});
