import { expect } from "chai";
import { encodeFunctionData, keccak256, parseEther, zeroHash, type Address, type Hex } from "viem";
import { sender } from "../../devnet/cast.ts";
import { devKey } from "../../devnet/devnet.ts";
import { keyIndex } from "../../devnet/stage.ts";
import { httpRpc } from "../../console/src/verify/rpc.ts";
import { verifyEpoch } from "../../console/src/verify/verify.ts";
import { registerService } from "../../src/chain/register.ts";
import { hexToBytes } from "../../src/protocol/bytes.ts";
import { BlockcloudError } from "../../src/protocol/errors.ts";
import { livenessProof } from "../../src/protocol/challenge.ts";
import { blockcloudDomain } from "../../src/protocol/typedData.ts";
import { AuditedChain, FIRST } from "../support/auditedChain.ts";
import { alterBalance, alterVote, hideSettlement } from "../support/recount/alter.ts";
import { abis } from "../support/recount/calls.ts";
import { chunkHash, commitmentOf, type Chunk } from "../support/recount/hashes.ts";
import { readInput, recount, type RecountInput } from "../support/recount/recount.ts";
import type { Contracts } from "../support/recount/record.ts";

const RING = 256;
const bloc = (amount: number) => parseEther(amount.toString());
const stranger = devKey(keyIndex.visitor).key;
const owner = (number: number) => devKey(keyIndex.owner + number - 1);
/** A key that has no other part. */
const operator = devKey(keyIndex.visitor + 1);
const auditorKey = (index: number) => devKey(keyIndex.auditor + index).key;

const range = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

/** A round without votes: one chunk without words. */
function emptyRound(auditor: Address, epoch: number, secret: Hex): Chunk {
  const place = { auditor, epoch, index: 0, count: 1, base: 0 };
  const chunk = { ...place, evidenceRoot: zeroHash, secret, words: [], hashes: [] };
  return { ...chunk, hashes: [chunkHash(chunk)] };
}

/** One chain, on which each test goes on where the one before ended: what it recounts grows. */
describe("the recount, over 330 epochs", function () {
  this.timeout(600_000);
  let chain: AuditedChain;
  let input: RecountInput;
  let epoch = FIRST;

  const send = (key: Hex, name: keyof Contracts, functionName: string, args: readonly unknown[]) =>
    sender(chain.stage, key).send({
      address: chain.deployment.contracts[name],
      abi: abis[name],
      functionName,
      args,
    });
  /** Approves BLOC for a contract, and calls it. */
  const pay = async (
    key: Hex,
    amount: number,
    name: keyof Contracts,
    functionName: string,
    args: readonly unknown[],
  ) => {
    await send(key, "token", "approve", [chain.deployment.contracts[name], bloc(amount)]);
    await send(key, name, functionName, args);
  };
  const settle = async (upTo: number) => {
    for (const number of [1n, 2n, 3n]) {
      await send(stranger, "settlement", "settle", [number, upTo]);
    }
  };
  const agree = async (least: number) => {
    input = await readInput(chain.client, chain.deployment.contracts);
    const { compared, differences } = await recount(input);
    expect(differences).to.deep.equal([]);
    expect(compared).to.be.at.least(least);
  };

  before(async () => {
    chain = await AuditedChain.start({
      services: [4_000, 3_000, 120_000],
      auditors: [10_000, 11_000, 13_000],
    });
    await chain.fund(devKey(keyIndex.visitor).address, 20_000);
  });
  after(() => chain.stop());

  it("follows votes that differ, a round that is not revealed, contributions and carried verdicts", async () => {
    await pay(stranger, 1_000, "rewardPool", "contribute", [bloc(1_000)]);
    const unrevealed = FIRST + 1;
    for (; epoch <= FIRST + 4; epoch++) {
      await chain.enter(epoch);
      for (const auditor of [0, 1, 2]) {
        if (epoch === FIRST || (auditor === 2 && epoch - 1 === unrevealed)) continue;
        await chain.reveal(epoch - 1, auditor);
      }
      await chain.commit(epoch, 0, { 1: 3, 2: 2, 3: 0 });
      await chain.commit(epoch, 1, { 1: 2, 2: 1, 3: 0 });
      await chain.commit(epoch, 2, { 1: 3, 2: 3 });
      if (epoch >= FIRST + 2) for (const auditor of [0, 1]) await chain.claim(epoch - 2, auditor);
    }
    const report = encodeFunctionData({
      ...chain.contracts.proofOfService,
      functionName: "report",
      args: [chain.auditors[2]!.owner, unrevealed],
    });
    // The second one finds nothing to report any more, and is skipped.
    await send(stranger, "proofOfService", "tryMulticall", [[report, report]]);
    await chain.enter(epoch);
    for (const auditor of [0, 1, 2]) await chain.reveal(epoch - 1, auditor);
    await chain.claim(FIRST, 2);
    await send(stranger, "proofOfService", "collect", [chain.auditors[0]!.owner]);
    await chain.own(1, "setPayout", [1n, devKey(keyIndex.visitor).address]);
    // No auditor committed to this epoch, and the next one gets no seed.
    await chain.enter((epoch += 2));
    await chain.enter(++epoch);
    await settle(epoch - 2);
    await agree(1_000);
  });

  it("follows an answered challenge, an unanswered one, and one that was never asked", async () => {
    await chain.enter(++epoch);
    for (const number of [1n, 2n]) {
      await pay(stranger, 50, "challengeBook", "challenge", [number]);
    }
    await chain.enter(++epoch);
    const { chainId, contracts } = chain.deployment;
    const [question] = await chain.client.readContract({
      address: contracts.challengeBook,
      abi: abis.challengeBook,
      functionName: "questionOf",
      args: [1n],
    });
    const domain = blockcloudDomain(BigInt(chainId), contracts.registry);
    const key = hexToBytes(chain.serviceKey(1).key);
    const proof = livenessProof(domain, 1n, question, key);
    await send(stranger, "challengeBook", "respond", [1n, proof]);
    await chain.driver.jump(epoch, 0.5);
    await send(owner(1).key, "challengeBook", "resolve", [2n]);
    await chain.own(2, "reinstate", [2n]);

    await pay(stranger, 50, "challengeBook", "challenge", [3n]);
    await chain.enter((epoch += 4));
    await send(owner(1).key, "challengeBook", "annul", [3n]);
    await agree(1_200);
  });

  it("follows stake that comes and leaves, a label, a sale and a run of failures", async () => {
    await chain.own(3, "setMaintenance", [3n, true]);
    await chain.fund(owner(1).address, 10_000);
    await pay(owner(1).key, 500, "staking", "stakeService", [1n, bloc(500)]);
    await send(owner(1).key, "staking", "unstakeService", [1n, bloc(1_500)]);
    const label = ["weather", owner(1).address, zeroHash] as const;
    const commitment = await chain.client.readContract({
      address: chain.deployment.contracts.labels,
      abi: abis.labels,
      functionName: "labelCommitment",
      args: label,
    });
    await send(owner(1).key, "labels", "commitLabel", [commitment]);
    await chain.driver.jump(epoch, 0.7);
    await pay(owner(1).key, 50, "labels", "setLabel", [1n, "weather", zeroHash]);
    await chain.enter(++epoch);
    await chain.own(3, "setMaintenance", [3n, false]);
    const buyer = devKey(keyIndex.visitor).address;
    await chain.own(1, "transferFrom", [owner(1).address, buyer, 1n]);
    await send(auditorKey(2), "staking", "unstakeAuditor", [bloc(6_000)]);
    await chain.enter(++epoch);
    await send(stranger, "registry", "setKey", [1n, chain.serviceKey(1).address]);
    await pay(stranger, 2_000, "staking", "stakeService", [1n, bloc(2_000)]);
    await send(stranger, "token", "burn", [bloc(7)]);

    const down = epoch + 2;
    await chain.play(down, down + 8, { 1: 3, 2: 1, 3: 0 });
    await chain.enter(down + 9);
    await send(stranger, "settlement", "suspend", [3n, down + 7]);
    await settle(down + 7);
    await chain.enter((epoch = down + 12));
    await send(stranger, "staking", "withdrawService", [1n, owner(1).address]);
    await send(stranger, "staking", "withdrawAuditor", [chain.auditors[2]!.owner]);
    await chain.own(2, "retire", [2n]);
    await agree(2_500);
  });

  it("follows silent auditors, budgets that return after 256 epochs, and slots that change hands", async () => {
    for (let silent = 0; silent <= 30; silent++) await chain.enter(++epoch);
    await send(stranger, "proofOfService", "lapse", [chain.auditors[1]!.owner]);
    // One comes back with a new tip, one has a new operator, one leaves.
    const secret = keccak256("0x01");
    await send(auditorKey(1), "proofOfService", "enrol", [keccak256(secret), operator.address]);
    await send(auditorKey(2), "proofOfService", "setOperator", [operator.address]);
    await send(auditorKey(0), "staking", "unstakeAuditor", [bloc(10_000)]);
    // The first epoch of the new tip: one step below it.
    await chain.enter((epoch += 2));
    const auditor = chain.auditors[1]!.owner;
    const chunk = emptyRound(auditor, epoch, secret);
    const commitment = commitmentOf(chunk);
    await send(operator.key, "proofOfService", "commit", [auditor, epoch, commitment]);
    await chain.enter(++epoch);
    await send(stranger, "proofOfService", "reveal", [chunk]);
    await chain.enter(++epoch);
    await send(stranger, "proofOfService", "claim", [chunk, epoch, []]);
    await chain.enter(FIRST + RING);
    await chain.enter(FIRST + RING + 1);
    await settle(FIRST + RING - 1);
    await chain.enter((epoch = epoch + 2 + RING));
    await send(stranger, "registry", "releaseSlot", [2n]);
    await chain.fund(owner(2).address, 1_010);
    const services = [sender(chain.stage, owner(2).key), chain.deployment, chain.services] as const;
    await registerService(...services, {
      classId: 0,
      key: chain.serviceKey(2).address,
      probe: { v: 1, requests: [{ path: "/" }] },
      metadata: "",
      stake: bloc(1_000),
    });
    // It has been away for so long that it frees its slot; no other waits, so it gets it back.
    await chain.own(3, "reinstate", [3n]);
    await chain.enter(epoch + 3);
    await agree(6_000);
  });

  it("agrees with the recount of single epochs that the console does with the protocol's own formulas", async () => {
    const { signal } = new AbortController();
    const rpc = httpRpc(chain.stage.devnet.rpcUrl, signal);
    const final = (await chain.moment()).epoch - 2;
    const recounted: number[] = [];
    for (const each of [...range(1, FIRST + 40), ...range(final - 10, final)]) {
      const order = { deployment: chain.deployment, epoch: each };
      try {
        const { differences } = await verifyEpoch(order, rpc, {
          signal,
          progress: () => undefined,
        });
        expect(differences, `epoch ${each}`).to.deep.equal([]);
        recounted.push(each);
      } catch (error) {
        if (!(error instanceof BlockcloudError) || error.code !== "EPOCH_WITHOUT_SEED") throw error;
      }
    }
    expect(recounted.length).to.be.at.least(30);
  });

  it("names one vote that was recorded otherwise, and all that follows from it", async () => {
    const altered = alterVote(input);
    const { differences } = await recount(altered.input);
    const [first] = differences;
    expect(first).to.include({
      what: "reveal: the commitment",
      epoch: altered.epoch,
      party: altered.auditor,
      expected: "true",
      found: "false",
    });
    const of = (what: string) => differences.filter((each) => each.what.startsWith(what));
    expect(of("settlement.Settled").map((each) => each.epoch)).to.include(altered.epoch);
    expect(of("balance")).not.to.be.empty;
  });

  it("names one balance that differs by a wei", async () => {
    const { staking } = chain.deployment.contracts;
    const { differences } = await recount(alterBalance(input, staking));
    expect(differences).to.have.length(1);
    expect(differences[0]!.what).to.match(/^balance/);
    expect(differences[0]!.party).to.equal(staking);
  });

  it("names what no call explains, such as a settlement by way of a contract", async () => {
    const { differences } = await recount(hideSettlement(input));
    const [settled] = differences;
    expect(settled).to.include({ what: "settlement.Settled", party: "1", expected: "no event" });
  });
});
