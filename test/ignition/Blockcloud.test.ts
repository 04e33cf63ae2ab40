import { expect } from "chai";
import { parseEther, ZeroAddress } from "ethers";
import { network } from "hardhat";
import Blockcloud from "../../ignition/modules/Blockcloud.ts";
import { encodeHeader, epochSeed, type RpcHeader } from "../../src/protocol/header.ts";
import type { BlocToken } from "../../typechain-types/token/BlocToken.ts";
import type { ProofOfService } from "../../typechain-types/proof-of-service/ProofOfService.ts";
import type { RewardPool } from "../../typechain-types/token/RewardPool.ts";
import type { ServiceRegistry } from "../../typechain-types/registry/ServiceRegistry.ts";
import type { Staking } from "../../typechain-types/staking/Staking.ts";

const EPOCH_SECONDS = 12;
const PROBE = "0x7b7d";

async function deploy() {
  const connection = await network.create({ chainType: "l1" });
  const { ethers, ignition, provider } = connection;
  const [deployer, provider1, stranger] = await ethers.getSigners();
  const deployed = await ignition.deploy(Blockcloud, {
    parameters: {
      Blockcloud: {
        epochSeconds: EPOCH_SECONDS,
        unbondingSeconds: 120,
        minimumAuditorStake: parseEther("5000"),
        treasury: deployer!.address,
        classes: [
          {
            name: ethers.encodeBytes32String("http"),
            minimumStake: parseEther("1000"),
            registrationFee: parseEther("10"),
            excellentMs: 500,
            goodMs: 2_000,
            poorMs: 10_000,
          },
        ],
      },
    },
  });
  const contracts = deployed as unknown as {
    token: BlocToken;
    rewardPool: RewardPool;
    registry: ServiceRegistry;
    staking: Staking;
    proofOfService: ProofOfService;
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
  return {
    ...contracts,
    ethers,
    header,
    mine,
    deployer: deployer!,
    provider1: provider1!,
    stranger: stranger!,
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
  it("deploys five contracts that know each other, and hands the supply out", async () => {
    const d = await deploy();
    const address = async (contract: { getAddress(): Promise<string> }) => contract.getAddress();

    expect(await d.registry.staking()).to.equal(await address(d.staking));
    expect(await d.staking.registry()).to.equal(await address(d.registry));
    expect(await d.staking.proofOfService()).to.equal(await address(d.proofOfService));
    expect(await d.proofOfService.registry()).to.equal(await address(d.registry));
    expect(await d.proofOfService.rewardPool()).to.equal(await address(d.rewardPool));
    expect(await d.proofOfService.genesis()).to.equal(await d.registry.genesis());
    expect(await d.token.balanceOf(await address(d.rewardPool))).to.equal(parseEther("3000000000"));
    expect(await d.token.balanceOf(d.deployer.address)).to.equal(parseEther("7000000000"));
  });

  it("leaves nothing to wire again, not even for the deployer", async () => {
    const d = await deploy();
    await expect(d.registry.wire(ZeroAddress))
      .to.be.revertedWithCustomError(d.registry, "RegistryAlreadyWired")
      .withArgs(await d.staking.getAddress());
    await expect(d.staking.connect(d.stranger).wire(ZeroAddress))
      .to.be.revertedWithCustomError(d.staking, "StakingNotDeployer")
      .withArgs(d.stranger.address);
  });
});

describe("contracts on a real chain", () => {
  it("a service is registered by a contract call and counts from the next epoch", async () => {
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
    expect(await d.registry.statusAt(1, epoch)).to.equal(0n);
    expect(await d.registry.statusAt(1, epoch + 1n)).to.equal(1n);
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
      const [seed] = await d.proofOfService.seedOf(epoch);
      expect(seed).to.equal(epochSeed(first.mixHash, epoch, chainId, contract));
    });
  }
});
