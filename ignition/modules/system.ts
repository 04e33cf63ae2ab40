import type {
  Future,
  IgnitionModuleBuilder,
  ModuleParameterRuntimeValue,
  NamedArtifactContractAtFuture,
  NamedArtifactContractDeploymentFuture,
} from "@nomicfoundation/ignition-core";
import { labelPrices } from "../labelPrices.ts";

/** OpenZeppelin's `AccessManager.ADMIN_ROLE`. */
const ADMIN_ROLE = 0n;

/** What the rest of a deployment stands on. */
export interface Ground {
  token:
    NamedArtifactContractDeploymentFuture<"BlocToken"> | NamedArtifactContractAtFuture<"BlocToken">;
  rewardPool: NamedArtifactContractDeploymentFuture<"RewardPool">;
  /** The registry whose services may be taken over; the zero address for none. */
  predecessor: string | ModuleParameterRuntimeValue<string>;
  /** What must have happened before the contracts are connected. */
  before?: Future[];
}

/**
 * Everything but token and reward pool: the contracts, connected once, with the launch classes, and
 * governance handed over. Parameters have no defaults, so that a network is never deployed with another
 * one's; `ignition/parameters/` has those of each.
 */
export function system(m: IgnitionModuleBuilder, ground: Ground) {
  const { token, rewardPool, predecessor, before = [] } = ground;
  const deployer = m.getAccount(0);
  // The deployer adds the classes, and has no say afterwards.
  const governance = m.contract("AccessManager", [deployer]);
  const registry = m.contract("ServiceRegistry", [
    m.getParameter<number>("epochSeconds"),
    governance,
    predecessor,
    m.getParameter<number>("closingSeconds"),
  ]);
  const staking = m.contract("Staking", [
    token,
    registry,
    m.getParameter<number>("unbondingSeconds"),
    m.getParameter<bigint>("minimumAuditorStake"),
  ]);
  const proofOfService = m.contract("ProofOfService", [registry, staking, rewardPool]);
  const settlement = m.contract("Settlement", [proofOfService]);
  const challengeBook = m.contract("ChallengeBook", [
    proofOfService,
    m.getParameter<number>("challengeWindow"),
    m.getParameter<number>("challengeCoolDown"),
    m.getParameter<bigint>("challengeBond"),
  ]);
  const labels = m.contract("ServiceLabels", [
    registry,
    token,
    m.getParameter<number>("labelMinimumAge"),
    m.getParameter<number>("labelMaximumAge"),
    labelPrices.map((name) => m.getParameter<bigint>(name)),
  ]);
  const livenessVerifier = m.contract("LivenessVerifier", [registry]);

  const rounds = m.call(proofOfService, "wire", [settlement]);
  const wired = [
    m.call(registry, "wire", [staking, proofOfService, settlement, challengeBook, labels], {
      after: [rounds],
    }),
    m.call(staking, "wire", [proofOfService, challengeBook]),
    m.call(rewardPool, "wire", [token, proofOfService, settlement], {
      after: [rounds, ...before],
    }),
  ];
  const kind = (name: string) => ({
    name,
    minimumStake: m.getParameter<bigint>("minimumServiceStake"),
    maximumStake: m.getParameter<bigint>("maximumServiceStake"),
    registrationFee: m.getParameter<bigint>("registrationFee"),
    open: true,
    excellentMs: m.getParameter<number>("excellentMs"),
    goodMs: m.getParameter<number>("goodMs"),
    poorMs: m.getParameter<number>("poorMs"),
    verifier: livenessVerifier,
  });
  // Their order is their indices.
  const http = m.call(registry, "addClass", [kind(bytes32("http"))], {
    id: "addHttp",
    after: wired,
  });
  const jsonRpc = m.call(registry, "addClass", [kind(bytes32("json-rpc"))], {
    id: "addJsonRpc",
    after: [http],
  });

  const governor = m.getParameter<string>("governor");
  const delay = m.getParameter<number>("governanceDelay");
  const granted = m.call(governance, "grantRole", [ADMIN_ROLE, governor, delay], {
    after: [jsonRpc],
  });
  m.call(governance, "renounceRole", [ADMIN_ROLE, deployer], { after: [granted] });
  return {
    token,
    rewardPool,
    registry,
    staking,
    proofOfService,
    settlement,
    challengeBook,
    labels,
    livenessVerifier,
    governance,
  };
}

/** A short name as the contracts store it: ASCII, padded with zeros. */
function bytes32(name: string): string {
  return `0x${Buffer.from(name.padEnd(32, "\0")).toString("hex")}`;
}
