import { expect } from "chai";
import { parseEther, ZeroAddress } from "ethers";
import { network } from "hardhat";
import Blockcloud from "../../ignition/modules/Blockcloud.ts";
import { encodeHeader, epochSeed, type RpcHeader } from "../../src/protocol/header.ts";
import type { AccessManager } from "../../typechain-types/@openzeppelin/contracts/access/manager/AccessManager.ts";
import type { ChallengeBook } from "../../typechain-types/contracts/challenges/ChallengeBook.ts";
import type { Cashier } from "../../typechain-types/contracts/cashier/Cashier.ts";
import type { ServiceLabels } from "../../typechain-types/contracts/labels/ServiceLabels.ts";
import type { BlocToken } from "../../typechain-types/contracts/token/BlocToken.ts";
import type { ProofOfService } from "../../typechain-types/contracts/proof-of-service/ProofOfService.ts";
import type { Settlement } from "../../typechain-types/contracts/proof-of-service/Settlement.ts";
import type { RewardPool } from "../../typechain-types/contracts/token/RewardPool.ts";
import type { ServiceRegistry } from "../../typechain-types/contracts/registry/ServiceRegistry.ts";
import type { Staking } from "../../typechain-types/contracts/staking/Staking.ts";
import type { LivenessVerifier } from "../../typechain-types/contracts/verifiers/LivenessVerifier.ts";

const EPOCH_SECONDS = 12;
const PROBE = "0x7b7d";
/** The access manager's role that grants all others. */
const ADMIN_ROLE = 0n;

async function deploy(governanceDelay = 0) {
  const connection = await network.create({ chainType: "l1" });
  const { ethers, ignition, provider } = connection;
  const [deployer, provider1, stranger, governor] = await ethers.getSigners();
  const deployed = await ignition.deploy(Blockcloud, {
    parameters: {
      Blockcloud: {
        epochSeconds: EPOCH_SECONDS,
        unbondingSeconds: 132,
        yieldPercent: 1_000_000_000,
        minimumAuditorStake: parseEther("5000"),
        minimumServiceStake: parseEther("1000"),
        maximumServiceStake: parseEther("100000"),
        registrationFee: parseEther("10"),
        excellentMs: 500,
        goodMs: 2_000,
        poorMs: 10_000,
        challengeWindow: 30,
        challengeCoolDown: 120,
        challengeBond: parseEther("50"),
        labelMinimumAge: 2,
        labelMaximumAge: 3_600,
        labelPrice1: parseEther("100000"),
        labelPrice2: parseEther("30000"),
        labelPrice3: parseEther("10000"),
        labelPrice4: parseEther("1000"),
        labelPrice5: parseEther("50"),
        closingSeconds: 120,
        treasury: deployer!.address,
        governor: governor!.address,
        governanceDelay,
      },
    },
  });
  const contracts = deployed as unknown as {
    token: BlocToken;
    rewardPool: RewardPool;
    registry: ServiceRegistry;
    staking: Staking;
    proofOfService: ProofOfService;
    settlement: Settlement;
    challengeBook: ChallengeBook;
    labels: ServiceLabels;
    cashier: Cashier;
    livenessVerifier: LivenessVerifier;
    governance: AccessManager;
  };
  const header = (block: number) =>
    provider.request({
      method: "eth_getBlockByNumber",
      params: [`0x${block.toString(16)}`, false],
    }) as Promise<RpcHeader>;
  // One by one: what `hardhat_mine` skips over has no real headers.
  const mine = async (blocks: number) => {
    for (let i = 0; i < blocks; i++) await provider.request({ method: "evm_mine" });
  };
  const increase = (seconds: number) =>
    provider.request({ method: "evm_increaseTime", params: [seconds] });
  return {
    ...contracts,
    ethers,
    increase,
    header,
    mine,
    deployer: deployer!,
    provider1: provider1!,
    stranger: stranger!,
    governor: governor!,
  };
}

/** The first block of the newest epoch that has one, on a chain with a block a second. */
async function firstBlock(
  header: (block: number) => Promise<RpcHeader>,
  head: number,
  genesis: number,
): Promise<{ epoch: number; block: number }> {
  const epochOf = async (block: number) =>
    Math.floor((Number((await header(block)).timestamp) - genesis) / EPOCH_SECONDS);
  const epoch = await epochOf(head);
  let block = head;
  while ((await epochOf(block - 1)) === epoch) block -= 1;
  return { epoch, block };
}

describe("the Ignition module", () => {
  it("deploys contracts that know each other, and hands the supply out", async () => {
    const d = await deploy();
    const address = async (contract: { getAddress(): Promise<string> }) => contract.getAddress();
    const [registry, staking, proofOfService, challengeBook] = await Promise.all(
      [d.registry, d.staking, d.proofOfService, d.challengeBook].map(address),
    );

    expect(await d.registry.staking()).to.equal(staking);
    expect(await d.registry.proofOfService()).to.equal(proofOfService);
    expect(await d.registry.challengeBook()).to.equal(challengeBook);
    expect(await d.registry.labels()).to.equal(await address(d.labels));
    expect(await d.labels.registry()).to.equal(registry);
    expect(await d.labels.token()).to.equal(await address(d.token));
    expect(await d.labels.predecessor()).to.equal(ZeroAddress);
    expect(await d.rewardPool.token()).to.equal(await address(d.token));
    const settlement = await address(d.settlement);
    expect(await d.rewardPool.proofOfService()).to.equal(proofOfService);
    expect(await d.rewardPool.settlement()).to.equal(settlement);
    expect(await d.rewardPool.yieldPercent()).to.equal(1_000_000_000n);
    expect(await d.registry.settlement()).to.equal(settlement);
    expect(await d.proofOfService.settlement()).to.equal(settlement);
    expect(await d.settlement.proofOfService()).to.equal(proofOfService);
    expect(await d.settlement.rewardPool()).to.equal(await address(d.rewardPool));
    expect(await d.registry.authority()).to.equal(await address(d.governance));
    expect(await d.staking.registry()).to.equal(registry);
    expect(await d.staking.token()).to.equal(await address(d.token));
    expect(await d.staking.proofOfService()).to.equal(proofOfService);
    expect(await d.staking.challengeBook()).to.equal(challengeBook);
    expect(await d.proofOfService.registry()).to.equal(registry);
    expect(await d.proofOfService.staking()).to.equal(staking);
    expect(await d.proofOfService.rewardPool()).to.equal(await address(d.rewardPool));
    expect(await d.proofOfService.genesis()).to.equal(await d.registry.genesis());
    expect(await d.challengeBook.registry()).to.equal(registry);
    expect(await d.challengeBook.staking()).to.equal(staking);
    expect(await d.challengeBook.proofOfService()).to.equal(proofOfService);
    expect(await d.livenessVerifier.registry()).to.equal(registry);
    expect(await d.cashier.registry()).to.equal(registry);
    expect(await d.cashier.settlement()).to.equal(settlement);
    expect(await d.cashier.rewardPool()).to.equal(await address(d.rewardPool));
    expect(await d.cashier.token()).to.equal(await address(d.token));
    expect(await d.cashier.genesis()).to.equal(await d.registry.genesis());
    expect(await d.cashier.epochSeconds()).to.equal(EPOCH_SECONDS);
    expect(await d.token.balanceOf(await address(d.rewardPool))).to.equal(parseEther("3000000000"));
    expect(await d.token.balanceOf(d.deployer.address)).to.equal(parseEther("7000000000"));
  });

  it("passes its parameters on", async () => {
    const d = await deploy();
    expect(await d.registry.epochSeconds()).to.equal(EPOCH_SECONDS);
    expect(await d.registry.closingSeconds()).to.equal(120n);
    expect(await d.labels.minimumAge()).to.equal(2n);
    expect(await d.labels.maximumAge()).to.equal(3_600n);
    for (const [index, price] of ["100000", "30000", "10000", "1000", "50", "50"].entries()) {
      expect(await d.labels.priceOf(index + 1)).to.equal(parseEther(price));
    }
    expect(await d.staking.unbondingSeconds()).to.equal(132n);
    expect(await d.staking.minimumAuditorStake()).to.equal(parseEther("5000"));
    expect(await d.challengeBook.windowSeconds()).to.equal(30n);
    expect(await d.challengeBook.coolDownSeconds()).to.equal(120n);
    expect(await d.challengeBook.bond()).to.equal(parseEther("50"));
  });

  it("opens the launch classes, judged by the liveness verifier", async () => {
    const d = await deploy();
    const verifier = await d.livenessVerifier.getAddress();
    expect(await d.registry.classCount()).to.equal(3n);
    for (const [classId, name] of ["http", "json-rpc", "tcp"].entries()) {
      expect(await d.registry.classAt(classId)).to.deep.equal([
        d.ethers.encodeBytes32String(name),
        parseEther("1000"),
        parseEther("100000"),
        parseEther("10"),
        true,
        500n,
        2_000n,
        10_000n,
        verifier,
      ]);
    }
  });

  it("leaves nothing to wire again, not even for the deployer", async () => {
    const d = await deploy();
    await expect(d.registry.wire(ZeroAddress, ZeroAddress, ZeroAddress, ZeroAddress, ZeroAddress))
      .to.be.revertedWithCustomError(d.registry, "RegistryAlreadyWired")
      .withArgs(await d.staking.getAddress());
    await expect(d.staking.wire(ZeroAddress, ZeroAddress))
      .to.be.revertedWithCustomError(d.staking, "StakingAlreadyWired")
      .withArgs(await d.proofOfService.getAddress());
    await expect(d.staking.connect(d.stranger).wire(ZeroAddress, ZeroAddress))
      .to.be.revertedWithCustomError(d.staking, "StakingNotDeployer")
      .withArgs(d.stranger.address);
  });

  it("leaves the classes to the governor, and the deployer without a say", async () => {
    const d = await deploy();
    const name = d.ethers.encodeBytes32String("dns");
    const kind = {
      name,
      minimumStake: 1n,
      maximumStake: 2n,
      registrationFee: 0n,
      open: true,
      excellentMs: 1,
      goodMs: 2,
      poorMs: 3,
      verifier: await d.livenessVerifier.getAddress(),
    };
    for (const caller of [d.deployer, d.stranger]) {
      const registry = d.registry.connect(caller);
      for (const call of [registry.addClass(kind), registry.setClassOpen(0, false)]) {
        await expect(call)
          .to.be.revertedWithCustomError(d.registry, "AccessManagedUnauthorized")
          .withArgs(caller.address);
      }
      await expect(d.governance.connect(caller).grantRole(ADMIN_ROLE, caller.address, 0))
        .to.be.revertedWithCustomError(d.governance, "AccessManagerUnauthorizedAccount")
        .withArgs(caller.address, ADMIN_ROLE);
      expect(await d.governance.hasRole(ADMIN_ROLE, caller.address)).to.deep.equal([false, 0n]);
    }
    const governed = d.registry.connect(d.governor);
    await expect(governed.addClass(kind)).to.emit(d.registry, "ClassAdded").withArgs(3n, name);
    await expect(governed.setClassOpen(3, false))
      .to.emit(d.registry, "ClassOpenSet")
      .withArgs(3n, false);
    expect((await d.registry.classAt(3)).open).to.equal(false);
  });

  it("makes a delayed governor announce what it does", async () => {
    const d = await deploy(3_600);
    const close = d.registry.interface.encodeFunctionData("setClassOpen", [0, false]);
    const registry = await d.registry.getAddress();
    const governed = d.registry.connect(d.governor);
    // Not scheduled.
    await expect(governed.setClassOpen(0, false)).to.be.revertedWithCustomError(
      d.governance,
      "AccessManagerNotScheduled",
    );
    await d.governance.connect(d.governor).schedule(registry, close, 0);
    await expect(governed.setClassOpen(0, false)).to.be.revertedWithCustomError(
      d.governance,
      "AccessManagerNotReady",
    );
    await d.increase(3_600);
    await expect(governed.setClassOpen(0, false))
      .to.emit(d.registry, "ClassOpenSet")
      .withArgs(0n, false);
  });
});

describe("contracts on a real chain", () => {
  it("a service is registered by a contract call and counts two epochs later", async () => {
    const d = await deploy();
    await d.token.transfer(d.provider1.address, parseEther("1010"));
    await d.token.connect(d.provider1).approve(await d.staking.getAddress(), parseEther("1010"));
    const register = d.registry
      .connect(d.provider1)
      .register(0, d.stranger.address, PROBE, "", parseEther("1000"));

    await expect(register)
      .to.emit(d.registry, "ServiceRegistered")
      .withArgs(1n, d.provider1.address, 0n, d.stranger.address, "");
    const epoch = await d.registry.currentEpoch();
    expect(await d.registry.statusAt(1, epoch + 1n)).to.equal(0n);
    expect(await d.registry.statusAt(1, epoch + 2n)).to.equal(1n);
    expect(await d.token.totalSupply()).to.equal(parseEther("9999999990"));
  });

  // As far as BLOCKHASH goes. Hardhat has no EIP-2935 contract (its issue 6226): what lies beyond is
  // tested against a stand-in, in test/proof-of-service/Tick.t.sol.
  for (const age of [1, 200]) {
    it(`tick proves a seed from the headers of blocks ${age} back`, async () => {
      const d = await deploy();
      await d.mine(3 * EPOCH_SECONDS);
      const head = await d.ethers.provider.getBlockNumber();
      const genesis = Number(await d.registry.genesis());
      const { epoch, block } = await firstBlock(d.header, head, genesis);
      await d.mine(age);

      const first = await d.header(block);
      const tick = d.proofOfService.tick(
        encodeHeader(first),
        encodeHeader(await d.header(block - 1)),
      );
      await expect(tick).to.emit(d.proofOfService, "Ticked");
      const { chainId } = await d.ethers.provider.getNetwork();
      const contract = (await d.proofOfService.getAddress()) as `0x${string}`;
      const [seed, previous, , recordedAt] = await d.proofOfService.seedOf(epoch);
      expect(seed).to.equal(epochSeed(first.mixHash, epoch, chainId, contract));
      expect(previous).to.equal(0n);
      expect(recordedAt).to.equal((await d.ethers.provider.getBlock("latest"))?.timestamp);
    });
  }
});
