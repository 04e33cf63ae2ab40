import { hashTypedData, parseEther, type Abi, type Address, type Hex } from "viem";
import { devKey } from "../../devnet/devnet.ts";
import { bytesToHex, concatBytes, hexToBytes, word } from "../../src/protocol/bytes.ts";
import { RING } from "../../src/protocol/epoch.ts";
import { HashChain } from "../../src/protocol/hashChain.ts";
import { signRecord } from "../../src/protocol/record.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { addressOfKey, signDigest } from "../../src/protocol/signature.ts";
import { blockcloudDomain } from "../../src/protocol/typedData.ts";
import { BenchChain, type ContractName } from "../chain.ts";
import { abis } from "../../src/protocol/abis.ts";
import { Fleet, keyOf, PROBE, REGISTRATION_FEE, SERVICE_STAKE } from "../fleet.ts";
import { measurePaying } from "./paying.ts";
import type { Row } from "./row.ts";
import { Season, type Part } from "./season.ts";
import { measureSuccession } from "./succession.ts";
import { measureLabels, measurePermits, measureSignedTransfers, permitOf } from "./wallets.ts";

/** The gas of a call. */
export interface FunctionGas {
  contract: ContractName;
  name: string;
  /** The situation of the call. */
  when: string;
  gas: number;
}

export interface Functions {
  rows: FunctionGas[];
  /** State-changing functions without a row. */
  unmeasured: string[];
}

/** The most expensive registration, for which the target is set. */
export const DEAREST_REGISTRATION = "first of its owner, shard and epoch";
/** Epochs of unbonding stake, and one. */
const UNBONDING = 12;

/** Measures each function that users and workers call, as whole transactions. */
export async function measureFunctions(say: (message: string) => void): Promise<Functions> {
  const chain = await BenchChain.start();
  const rows: FunctionGas[] = [];
  const rowOn =
    (on: BenchChain): Row =>
    async (from, contract, name, args, when = "") => {
      const { gas } = await on.send({ from, contract, functionName: name, args });
      rows.push({ contract, name, when, gas });
    };
  const row = rowOn(chain);
  const next = async (epochs = 1) => chain.enter((await chain.epoch()) + epochs);
  try {
    say("functions: services and stake");
    // A shard of services, and an auditor that every seed draws in it.
    const fleet = new Fleet(chain, { services: 15, stakes: [parseEther("20000")] });
    await fleet.register();
    await fleet.enrol();
    await next();
    const owner = addressOfKey(keyOf("owner"));
    const holder = addressOfKey(keyOf("holder"));
    const treasury = devKey(0).address;
    const serviceKey = keyOf("service");
    const { staking } = chain.deployment.contracts;
    const bloc = parseEther("1");

    await row(treasury, "token", "transfer", [owner, 100_000n * bloc], "to a new holder");
    await row(treasury, "token", "transfer", [owner, 100_000n * bloc], "to one who holds some");
    // Exactly the amount of a registration, as `service register` approves it.
    const price = SERVICE_STAKE + REGISTRATION_FEE;
    const registration = [0, addressOfKey(serviceKey), PROBE, "", SERVICE_STAKE];
    // Without an allowance; the account must exist on chain before the undone calls.
    const none = { contract: "token", functionName: "approve", args: [staking, 0n] } as const;
    await chain.send({ from: owner, ...none });
    await chain.undoing(async () => {
      const permit = await permitOf(chain, staking, price);
      const permitted = [...registration, permit];
      await row(owner, "registry", "registerWithPermit", permitted, DEAREST_REGISTRATION);
    });
    await row(owner, "token", "approve", [staking, price]);
    await row(owner, "registry", "register", registration, DEAREST_REGISTRATION);
    await row(owner, "token", "approve", [staking, 100_000n * bloc], "again");
    await row(owner, "registry", "register", registration, "not the first of any of these");
    await next();
    await row(owner, "registry", "register", registration, "first of its epoch only");
    // It stays active after a loss of 2% of its stake.
    const more = [...registration.slice(0, -1), 2n * SERVICE_STAKE];
    await chain.send({ from: owner, contract: "registry", functionName: "register", args: more });
    await next();
    await row(owner, "registry", "setProbe", [16n, PROBE], "first since the registration");
    await next(2);
    await row(owner, "registry", "setProbe", [16n, PROBE]);
    await row(owner, "registry", "setKey", [16n, addressOfKey(keyOf("another"))]);
    await row(owner, "registry", "setMetadata", [16n, "ipfs://description"]);
    await row(owner, "registry", "setPayout", [16n, holder]);
    await row(owner, "registry", "announce", [16n, recordOf(16n, chain, serviceKey)]);
    await measureLabels(chain, owner, row);
    await row(owner, "staking", "stakeService", [16n, bloc], "first of its epoch");
    await row(owner, "staking", "stakeService", [16n, bloc], "again in the same epoch");
    await next();
    await row(owner, "staking", "unstakeService", [16n, bloc], "stays active");
    await row(owner, "registry", "approve", [holder, 17n]);
    await row(holder, "registry", "transferFrom", [owner, holder, 17n], "to a new holder");
    await row(owner, "staking", "unstakeService", [18n, SERVICE_STAKE], "becomes inactive");
    await row(owner, "staking", "stakeAuditor", [20_000n * bloc], "first");
    const operator = addressOfKey(keyOf("operator"));
    await row(owner, "proofOfService", "enrol", [tipOf(chain, 0), operator], "first");
    await next(3);
    await row(owner, "staking", "stakeAuditor", [bloc], "enrolled");
    await row(owner, "proofOfService", "enrol", [tipOf(chain, 1), operator], "a new hash chain");
    await row(owner, "proofOfService", "setOperator", [holder]);
    await row(owner, "staking", "unstakeAuditor", [bloc], "a part");
    await next();
    await row(owner, "staking", "unstakeAuditor", [20_000n * bloc], "all");
    await next(UNBONDING);
    await row(owner, "staking", "withdrawService", [16n, owner], "one entry");
    await row(owner, "staking", "withdrawAuditor", [owner], "two entries");

    say("functions: challenges");
    await measureChallenges(chain, fleet, owner, row);
    await row(owner, "registry", "setMaintenance", [16n, true]);
    await next();
    await row(owner, "registry", "retire", [16n]);
    const { rewardPool } = chain.deployment.contracts;
    await row(owner, "token", "approve", [rewardPool, 100n * bloc], "the pool");
    await row(owner, "rewardPool", "contribute", [bloc], "the first");
    await row(owner, "rewardPool", "contribute", [bloc]);

    const start = (await chain.epoch()) + 1;
    say("functions: rounds");
    await measureRound(chain, fleet, start, ["new ring entry", "first of the service"], row);
    const later = ["ring entry used before", "after 255 epochs, none of them paid"] as const;
    await measureRound(chain, fleet, start + RING, later, row);
    await row(fleet.keeper, "registry", "releaseSlot", [16n]);
    await chain.send({
      from: owner,
      contract: "staking",
      functionName: "stakeService",
      args: [18n, SERVICE_STAKE],
    });
    const again = [...registration.slice(0, -1), SERVICE_STAKE];
    await row(owner, "registry", "register", again, "into a slot that was freed");
    say("functions: keepers");
    await measureKeepers(chain, fleet, owner, row);
    await row(owner, "token", "burn", [bloc]);
    say("functions: permits, transfers by signature, succession");
    await measurePermits(chain, row);
    await measureSignedTransfers(chain, fleet.keeper, row);
    say("functions: the Cashier");
    await measurePaying(chain, fleet.keeper, row);
    await measureSuccession(chain, rowOn);
    return { rows, unmeasured: unmeasured(rows) };
  } finally {
    await chain.stop();
  }
}

/** An answered and an unanswered challenge, on services 16 and 19. */
async function measureChallenges(
  chain: BenchChain,
  fleet: Fleet,
  challenger: Address,
  row: Row,
): Promise<void> {
  const { chainId, contracts } = chain.deployment;
  const book = "challengeBook";
  const bonds = [contracts.challengeBook, parseEther("1000")];
  await row(challenger, "token", "approve", bonds, "another spender");
  await row(challenger, book, "challenge", [16n], "the first");
  await row(challenger, book, "challenge", [19n]);

  const season = new Season(chain, fleet);
  await season.begin((await chain.epoch()) + 1, "empty");
  const [nonce] = await chain.read<[Hex, bigint]>(book, "questionOf", [1n]);
  const digest = hashTypedData({
    domain: blockcloudDomain(BigInt(chainId), contracts.registry),
    types: {
      ChallengeResponse: [
        { name: "challenge", type: "uint256" },
        { name: "nonce", type: "bytes32" },
      ],
    },
    primaryType: "ChallengeResponse",
    message: { challenge: 1n, nonce },
  });
  const signature = signDigest(hexToBytes(digest), hexToBytes(keyOf("another")));
  const proof = bytesToHex(concatBytes(word(1), signature));
  await row(fleet.keeper, book, "respond", [1n, proof]);

  await chain.enter((await chain.epoch()) + 1);
  await row(fleet.keeper, book, "resolve", [2n]);
  await chain.enter((await chain.epoch()) + 1);
  await row(challenger, "registry", "reinstate", [19n]);
}

/** Permissionless calls against an idle auditor or service, or without seeds. */
async function measureKeepers(
  chain: BenchChain,
  fleet: Fleet,
  challenger: Address,
  row: Row,
): Promise<void> {
  const [auditor] = fleet.auditors;
  if (auditor === undefined) throw new Error("There is no auditor.");
  const pos = "proofOfService";
  await row(fleet.keeper, pos, "collect", [auditor.owner]);

  // Nine rounds with FAILED votes; the last is never revealed.
  const season = new Season(chain, fleet);
  const first = (await chain.epoch()) + 1;
  for (let epoch = first; epoch <= first + 9; epoch++) await season.play(epoch, "failed", false);
  await row(fleet.keeper, "settlement", "suspend", [1n, first + 7]);
  await season.begin(first + 10, "empty");
  await season.begin(first + 11, "empty");
  await row(fleet.keeper, pos, "report", [auditor.owner, first + 9]);

  // A challenge while no seeds are recorded.
  const book = "challengeBook";
  await chain.send({
    from: challenger,
    contract: book,
    functionName: "challenge",
    args: [2n],
  });
  await chain.enter(first + 15);
  await row(fleet.keeper, book, "annul", [3n]);

  // The auditor is silent for the allowed time, and one epoch longer.
  for (let epoch = first + 16; epoch <= first + 41; epoch++) await season.begin(epoch, "empty");
  await row(fleet.keeper, pos, "lapse", [auditor.owner]);
}

/**
 * One auditor's round over one shard, each call separately. Earlier rounds include the walk along the hash chain and
 * the first settlement.
 */
async function measureRound(
  chain: BenchChain,
  fleet: Fleet,
  first: number,
  [when, settled]: readonly [when: string, settled: string],
  row: Row,
): Promise<void> {
  const [auditor] = fleet.auditors;
  if (auditor === undefined) throw new Error("There is no auditor.");
  const season = new Season(chain, fleet);
  const from = auditor.operator;
  const pos = "proofOfService";
  const only = (calls: readonly Part[]): Part => {
    const [call, more] = calls;
    if (call === undefined || more !== undefined) throw new Error("A shard makes one chunk.");
    return call;
  };
  const commit = (epoch: number) => season.commit(auditor, epoch);
  const reveal = (epoch: number) => only(season.reveal(auditor, epoch));
  const claim = (epoch: number) => only(season.claim(auditor, epoch));
  const send = ({ kind, args }: Part) =>
    chain.send({ from, contract: pos, functionName: kind, args });

  await season.play(first, "votes", false);
  const audited = first + 1;
  const headers = await season.enter(audited);
  await row(from, pos, "tick", headers, when);
  await row(from, pos, "tick", headers, "second of its epoch");
  await season.makeRounds(audited, "votes");
  await row(from, pos, "commit", commit(audited).args, when);
  await send(reveal(first));

  await season.begin(audited + 1, "votes");
  await send(commit(audited + 1));
  await row(from, pos, "reveal", reveal(audited).args, `${when}, 1 word`);
  await row(from, "settlement", "settle", [1n, first], settled);

  await season.begin(audited + 2, "votes");
  const all = [commit(audited + 2), reveal(audited + 1), claim(audited)].map(({ data }) => data);
  await chain.undoing(() => row(from, pos, "tryMulticall", [all], "commit, reveal and claim"));
  await row(from, pos, "claim", claim(audited).args, `${when}, 1 word`);
  await row(from, "settlement", "settle", [1n, audited], "one paid epoch");
}

function recordOf(number: bigint, chain: BenchChain, key: Hex): Hex {
  const { chainId, contracts, genesis } = chain.deployment;
  const issuedAt = BigInt(genesis) * 1000n;
  return signRecord(
    {
      serviceId: rootServiceId(number),
      issuedAt,
      expiresAt: issuedAt + 3_600_000n,
      endpoints: [{ uri: "https://service.example.org/api", priority: 0, weight: 0 }],
      delegation: "0x",
    },
    blockcloudDomain(BigInt(chainId), contracts.registry),
    hexToBytes(key),
  );
}

function tipOf(chain: BenchChain, chainNumber: number): Hex {
  const { chainId, contracts } = chain.deployment;
  const scope = { chainId: BigInt(chainId), contract: contracts.proofOfService, chainNumber };
  return new HashChain(hexToBytes(keyOf("operator")), scope, 1).tip;
}

/** Functions of the ABIs without a row: calls between the contracts, and new functions. */
function unmeasured(rows: readonly FunctionGas[]): string[] {
  const measured = new Set(rows.map(({ contract, name }) => `${contract}.${name}`));
  return Object.entries(abis).flatMap(([contract, abi]) =>
    (abi as Abi)
      .flatMap((item) =>
        item.type === "function" && item.stateMutability === "nonpayable" ? item.name : [],
      )
      .map((name) => `${contract}.${name}`)
      .filter((name) => !measured.has(name)),
  );
}
