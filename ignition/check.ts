import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import {
  parseAbi,
  parseEventLogs,
  stringToHex,
  type Abi,
  type Address,
  type Hex,
  type PublicClient,
  zeroAddress,
} from "viem";
import type { Deployment } from "../src/chain/deployment.ts";
import { abis } from "../src/protocol/abis.ts";
import { labelPrices } from "./labelPrices.ts";
import type { Parameters } from "./parameters.ts";

/** The contract behind each name of a deployment file. */
const contractNames = {
  token: "BlocToken",
  rewardPool: "RewardPool",
  registry: "ServiceRegistry",
  staking: "Staking",
  proofOfService: "ProofOfService",
  settlement: "Settlement",
  challengeBook: "ChallengeBook",
  labels: "ServiceLabels",
  cashier: "Cashier",
  livenessVerifier: "LivenessVerifier",
  governance: "AccessManager",
} as const;

/** OpenZeppelin's `AccessManager.ADMIN_ROLE`. */
const ADMIN_ROLE = 0n;
const accessManagerAbi = parseAbi([
  "function hasRole(uint64 roleId, address account) view returns (bool isMember, uint32 executionDelay)",
]);
const verifierAbi = parseAbi(["function registry() view returns (address)"]);

/** One comparison. */
export interface Check {
  what: string;
  ok: boolean;
  /** The value on chain, if it is not the expected one. */
  found?: string;
}

/**
 * Compares the chain with the expected deployment: the code of each contract with this version's artifacts, every
 * parameter, the connections between the contracts, and the governor.
 *
 * @param deployer Must have no role left.
 * @param mint Hash of the transaction that created the token, to check the receivers of the supply; undefined: not
 * checked.
 */
export async function checkDeployment(
  hre: HardhatRuntimeEnvironment,
  client: PublicClient,
  input: { deployment: Deployment; parameters: Parameters; deployer: Address; mint?: Hex },
): Promise<Check[]> {
  const { deployment, parameters } = input;
  const checks: Check[] = [];
  const compare = (what: string, found: unknown, wanted: unknown) => {
    const [a, b] = [plain(found), plain(wanted)];
    checks.push(a === b ? { what, ok: true } : { what, ok: false, found: `${a}, not ${b}` });
  };
  for (const [name, contract] of Object.entries(contractNames)) {
    const address = deployment.contracts[name as keyof typeof contractNames];
    compare(
      `code of ${contract}`,
      address && (await sameCode(hre, client, address, contract)),
      true,
    );
  }
  if (checks.every(({ ok }) => ok)) {
    await compareParameters(client, deployment, parameters, compare);
    await compareGovernance(client, input, compare);
  }
  return checks;
}

type Compare = (what: string, found: unknown, wanted: unknown) => void;

/** Whether an address has a contract's code, without immutables, which are compared by the getters. */
async function sameCode(
  hre: HardhatRuntimeEnvironment,
  client: PublicClient,
  address: Address,
  contract: string,
): Promise<boolean> {
  const artifact = await hre.artifacts.readArtifact(contract);
  const code = Buffer.from(((await client.getCode({ address })) ?? "0x").slice(2), "hex");
  const wanted = Buffer.from(artifact.deployedBytecode.slice(2), "hex");
  if (code.length !== wanted.length) return false;
  for (const { start, length } of Object.values(artifact.immutableReferences ?? {}).flat()) {
    code.fill(0, start, start + length);
    wanted.fill(0, start, start + length);
  }
  return code.equals(wanted);
}

async function compareParameters(
  client: PublicClient,
  { contracts, genesis }: Deployment,
  parameters: Parameters,
  compare: Compare,
): Promise<void> {
  const perSecond = await client.readContract({
    address: contracts.rewardPool,
    abi: abis.rewardPool,
    functionName: "BUDGET_PER_SECOND",
  });
  const { registry, staking, proofOfService, settlement, challengeBook, labels } = contracts;
  const wanted: Record<keyof typeof abis, Record<string, unknown>> = {
    token: { symbol: "BLOC" },
    rewardPool: {
      epochBudget: perSecond * BigInt(parameters.epochSeconds),
      yieldPercent: parameters.yieldPercent,
      token: contracts.token,
      proofOfService: contracts.proofOfService,
      settlement: contracts.settlement,
    },
    registry: {
      genesis,
      epochSeconds: parameters.epochSeconds,
      authority: contracts.governance,
      predecessor: parameters.predecessor ?? zeroAddress,
      closingSeconds: parameters.closingSeconds,
      staking,
      proofOfService,
      settlement,
      challengeBook,
      labels,
    },
    staking: {
      genesis,
      epochSeconds: parameters.epochSeconds,
      token: contracts.token,
      registry,
      proofOfService,
      challengeBook,
      unbondingSeconds: parameters.unbondingSeconds,
      minimumAuditorStake: parameters.minimumAuditorStake,
    },
    proofOfService: {
      genesis,
      epochSeconds: parameters.epochSeconds,
      registry,
      staking,
      rewardPool: contracts.rewardPool,
      settlement,
    },
    settlement: {
      genesis,
      epochSeconds: parameters.epochSeconds,
      proofOfService,
      registry,
      staking,
      rewardPool: contracts.rewardPool,
    },
    challengeBook: {
      proofOfService,
      registry,
      staking,
      windowSeconds: parameters.challengeWindow,
      coolDownSeconds: parameters.challengeCoolDown,
      bond: parameters.challengeBond,
    },
    labels: {
      registry,
      token: contracts.token,
      predecessor: await predecessorsLabels(client, parameters),
      minimumAge: parameters.labelMinimumAge,
      maximumAge: parameters.labelMaximumAge,
    },
    cashier: {
      genesis,
      epochSeconds: parameters.epochSeconds,
      settlement,
      registry,
      rewardPool: contracts.rewardPool,
      token: contracts.token,
    },
  };
  for (const [name, getters] of Object.entries(wanted) as [keyof typeof abis, object][]) {
    for (const [functionName, value] of Object.entries(getters)) {
      const abi: Abi = abis[name];
      const found = await client.readContract({ address: contracts[name], abi, functionName });
      compare(`${name}.${functionName}`, found, value);
    }
  }
  for (const [index, name] of labelPrices.entries()) {
    const found = await client.readContract({
      address: labels,
      abi: abis.labels,
      functionName: "priceOf",
      args: [BigInt(index + 1)],
    });
    compare(`labels.priceOf ${index + 1}`, found, parameters[name]);
  }
  if (contracts.livenessVerifier !== undefined) {
    const found = await client.readContract({
      address: contracts.livenessVerifier,
      abi: verifierAbi,
      functionName: "registry",
    });
    compare("livenessVerifier.registry", found, registry);
  }
  for (const [index, name] of ["http", "json-rpc", "tcp"].entries()) {
    const kind = await client.readContract({
      address: registry,
      abi: abis.registry,
      functionName: "classAt",
      args: [index],
    });
    compare(`class ${name}`, kind, {
      name: stringToHex(name, { size: 32 }),
      minimumStake: parameters.minimumServiceStake,
      maximumStake: parameters.maximumServiceStake,
      registrationFee: parameters.registrationFee,
      // Governance may have closed the class since.
      open: kind.open,
      excellentMs: parameters.excellentMs,
      goodMs: parameters.goodMs,
      poorMs: parameters.poorMs,
      verifier: contracts.livenessVerifier,
    });
  }
}

/** The predecessor's labels contract; the zero address without a predecessor. */
async function predecessorsLabels(client: PublicClient, parameters: Parameters): Promise<Address> {
  const { predecessor } = parameters;
  if (predecessor === undefined) return zeroAddress;
  const call = { address: predecessor, abi: abis.registry, functionName: "labels" } as const;
  return await client.readContract(call);
}

async function compareGovernance(
  client: PublicClient,
  input: { deployment: Deployment; parameters: Parameters; deployer: Address; mint?: Hex },
  compare: Compare,
): Promise<void> {
  const { deployment, parameters, deployer, mint } = input;
  const { governance, token, rewardPool } = deployment.contracts;
  const role = (account: Address) =>
    client.readContract({
      address: governance ?? token,
      abi: accessManagerAbi,
      functionName: "hasRole",
      args: [ADMIN_ROLE, account],
    });
  const { governor, governanceDelay, treasury } = parameters;
  compare("the governor governs", await role(governor), [true, governanceDelay]);
  compare("the deployer has no role left", (await role(deployer))[0], false);
  if (mint === undefined) return;
  const receipt = await client.getTransactionReceipt({ hash: mint });
  const minted = parseEventLogs({ abi: abis.token, logs: receipt.logs, eventName: "Transfer" });
  compare(
    "the supply went to the reward pool and the treasury",
    minted.map(({ args }) => [args.to, args.value]),
    [
      [rewardPool, 3_000_000_000n * 10n ** 18n],
      [treasury, 7_000_000_000n * 10n ** 18n],
    ],
  );
}

/** Normalizes values for comparison: numbers and bigints as text, addresses in one case. */
function plain(value: unknown): string {
  const text = JSON.stringify(value, (_, part: unknown) =>
    typeof part === "bigint" || typeof part === "number" ? part.toString() : part,
  );
  return text.toLowerCase();
}
