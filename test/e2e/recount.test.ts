import { expect } from "chai";
import { encodeFunctionData, parseEther, zeroHash, type Abi, type Hex } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { sender } from "../../devnet/cast.ts";
import { devKey } from "../../devnet/devnet.ts";
import { keyIndex } from "../../devnet/stage.ts";
import { registerService } from "../../src/chain/register.ts";
import { blockcloudDomain } from "../../src/protocol/typedData.ts";
import { AuditedChain, FIRST } from "../support/auditedChain.ts";
import { abis } from "../support/recount/calls.ts";
import { readInput, recount, type RecountInput } from "../support/recount/recount.ts";
import type { Contracts } from "../support/recount/record.ts";

const bloc = (amount: number) => parseEther(amount.toString());
const stranger = devKey(keyIndex.visitor);

describe("the recount", function () {
  this.timeout(600_000);
  let chain: AuditedChain;
  let input: RecountInput;

  const send = (key: Hex, name: keyof Contracts, functionName: string, args: readonly unknown[]) =>
    sender(chain.stage, key).send({
      address: chain.deployment.contracts[name],
      abi: abis[name] as Abi,
      functionName,
      args,
    });
  const approve = (key: Hex, name: keyof Contracts, amount: bigint) =>
    send(key, "token", "approve", [chain.deployment.contracts[name], amount]);
  const approveAndSend = async (
    key: Hex,
    [spender, amount]: readonly [keyof Contracts, number],
    ...call: readonly [keyof Contracts, string, readonly unknown[]]
  ) => {
    await approve(key, spender, bloc(amount));
    return send(key, ...call);
  };
  const settle = (number: number, upTo: number) =>
    send(stranger.key, "settlement", "settle", [BigInt(number), upTo]);
  const auditorKey = (index: number) => devKey(keyIndex.auditor + index).key;

  before(async () => {
    chain = await AuditedChain.start({
      services: [4000, 3000, 120_000],
      auditors: [10_000, 11_000, 13_000],
    });
    await chain.fund(stranger.address, 20_000);
  });
  after(() => chain.stop());

  it("follows votes that differ, a round that nobody reveals, contributions and carried verdicts", async () => {
    await approveAndSend(stranger.key, ["rewardPool", 1000], "rewardPool", "contribute", [
      bloc(1000),
    ]);
    for (let epoch = FIRST; epoch <= FIRST + 4; epoch++) {
      await chain.enter(epoch);
      if (epoch > FIRST) for (const each of [0, 1]) await chain.reveal(epoch - 1, each);
      if (epoch > FIRST && epoch !== FIRST + 2) await chain.reveal(epoch - 1, 2);
      await chain.commit(epoch, 0, { 1: 3, 2: 2, 3: 0 });
      await chain.commit(epoch, 1, { 1: 2, 2: 1, 3: 0 });
      await chain.commit(epoch, 2, { 1: 3, 2: 3 });
      if (epoch >= FIRST + 2) for (const each of [0, 1]) await chain.claim(epoch - 2, each);
    }
    const { proofOfService } = chain.contracts;
    // The auditor that did not reveal FIRST + 1; a second report in the batch fails and is skipped.
    const report = encodeFunctionData({
      ...proofOfService,
      functionName: "report",
      args: [chain.auditors[2]!.owner, FIRST + 1],
    });
    await send(stranger.key, "proofOfService", "tryMulticall", [[report, report]]);
    await chain.enter(FIRST + 5);
    for (const each of [0, 1, 2]) await chain.reveal(FIRST + 4, each);
    await chain.claim(FIRST, 2);
    await send(stranger.key, "proofOfService", "collect", [chain.auditors[0]!.owner]);
    await chain.own(1, "setPayout", [1n, stranger.address]);
    // Without a commitment in FIRST + 5, its verdicts are carried.
    await chain.enter(FIRST + 7);
    await chain.enter(FIRST + 8);
    for (const number of [1, 2, 3]) await settle(number, FIRST + 6);
    const result = await recount(await readInput(chain.client, chain.deployment.contracts));
    console.log(
      result.compared,
      result.differences
        .slice(0, 40)
        .map((d) => JSON.stringify(d))
        .join("\n"),
    );
    expect(result.differences).to.deep.equal([]);
  });

  it("follows challenges, suspension, stake that leaves, labels and a sale", async () => {
    let epoch = FIRST + 9;
    await chain.enter(epoch);
    for (const number of [1, 2]) {
      await approveAndSend(stranger.key, ["challengeBook", 50], "challengeBook", "challenge", [
        BigInt(number),
      ]);
    }
    await chain.enter(++epoch);
    const { seed } = (await chain.seeds.recorded(epoch))!;
    const question = (
      await chain.client.readContract({
        address: chain.deployment.contracts.challengeBook,
        abi: abis.challengeBook,
        functionName: "questionOf",
        args: [1n],
      })
    )[0];
    void seed;
    const signature = await privateKeyToAccount(chain.serviceKey(1).key).signTypedData({
      domain: blockcloudDomain(
        BigInt(chain.deployment.chainId),
        chain.deployment.contracts.registry,
      ),
      types: {
        ChallengeResponse: [
          { name: "challenge", type: "uint256" },
          { name: "nonce", type: "bytes32" },
        ],
      },
      primaryType: "ChallengeResponse",
      message: { challenge: 1n, nonce: question },
    });
    await send(stranger.key, "challengeBook", "respond", [
      1n,
      `0x${"0".repeat(63)}1${signature.slice(2)}`,
    ]);
    await chain.driver.jump(epoch, 0.5);
    await send(chain.owner(1).key, "challengeBook", "resolve", [2n]);
    await chain.enter(++epoch);
    await chain.own(2, "reinstate", [2n]);
    await chain.own(3, "setMaintenance", [3n, true]);
    await chain.fund(chain.owner(1).address, 10_000);
    await approveAndSend(chain.owner(1).key, ["staking", 500], "staking", "stakeService", [
      1n,
      bloc(500),
    ]);
    await send(chain.owner(1).key, "staking", "unstakeService", [1n, bloc(1500)]);
    const salt = zeroHash;
    const commitment = await chain.client.readContract({
      address: chain.deployment.contracts.labels,
      abi: abis.labels,
      functionName: "labelCommitment",
      args: ["weather", chain.owner(1).address, salt],
    });
    await send(chain.owner(1).key, "labels", "commitLabel", [commitment]);
    await chain.driver.jump(epoch, 0.7);
    await approveAndSend(chain.owner(1).key, ["labels", 50], "labels", "setLabel", [
      1n,
      "weather",
      salt,
    ]);
    await chain.enter(++epoch);
    await chain.own(3, "setMaintenance", [3n, false]);
    await chain.own(1, "transferFrom", [chain.owner(1).address, stranger.address, 1n]);
    await send(auditorKey(2), "staking", "unstakeAuditor", [bloc(6000)]);
    await chain.enter(++epoch);
    await send(stranger.key, "registry", "setKey", [1n, devKey(keyIndex.service).address]);
    await approveAndSend(stranger.key, ["staking", 2000], "staking", "stakeService", [
      1n,
      bloc(2000),
    ]);
    await send(stranger.key, "token", "burn", [bloc(7)]);

    // Eight epochs in which service 3 fails.
    const down = epoch + 2;
    await chain.play(down, down + 8, { 1: 3, 2: 1, 3: 0 });
    await chain.enter(down + 9);
    await send(stranger.key, "settlement", "suspend", [3n, down + 7]);
    for (const number of [1, 2, 3]) await settle(number, down + 7);
    await chain.enter(down + 12);
    await send(stranger.key, "staking", "withdrawService", [1n, chain.owner(1).address]);
    await send(stranger.key, "staking", "withdrawAuditor", [chain.auditors[2]!.owner]);
    await chain.own(2, "retire", [2n]);
    const result = await recount(await readInput(chain.client, chain.deployment.contracts));
    console.log(
      result.compared,
      result.differences
        .slice(0, 40)
        .map((d) => JSON.stringify(d))
        .join("\n"),
    );
    expect(result.differences).to.deep.equal([]);
  });

  it("follows silence, and what the ring forgets", async () => {
    const epoch = FIRST + 30;
    for (let each = 0; each <= 30; each++) await chain.enter(epoch + each);
    await send(stranger.key, "proofOfService", "lapse", [chain.auditors[1]!.owner]);
    await send(auditorKey(0), "staking", "unstakeAuditor", [bloc(10_000)]);
    await chain.enter(epoch + 33);
    await chain.enter(FIRST + 256);
    await chain.enter(FIRST + 257);
    await settle(1, FIRST + 255);
    await chain.enter(FIRST + 256 + 60);
    await send(stranger.key, "registry", "releaseSlot", [2n]);
    await chain.fund(chain.owner(2).address, 1010);
    await registerService(
      sender(chain.stage, chain.owner(2).key),
      chain.deployment,
      chain.services,
      {
        classId: 0,
        key: chain.serviceKey(2).address,
        probe: { v: 1, requests: [{ path: "/" }] },
        metadata: "",
        stake: bloc(1000),
      },
    );
    await chain.own(3, "reinstate", [3n]);
    await chain.enter(FIRST + 256 + 63);
    input = await readInput(chain.client, chain.deployment.contracts);
    const result = await recount(input);
    console.log(
      result.compared,
      result.differences
        .slice(0, 40)
        .map((d) => JSON.stringify(d))
        .join("\n"),
    );
    expect(result.differences).to.deep.equal([]);
  });
});
