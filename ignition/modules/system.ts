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

/** The parts that a deployment needs first. */
export interface Ground {
  token:
    NamedArtifactContractDeploymentFuture<"BlocToken"> | NamedArtifactContractAtFuture<"BlocToken">;
  rewardPool: NamedArtifactContractDeploymentFuture<"RewardPool">;
  /** The registry whose services may be taken over; the zero address for none. */
  predecessor: string | ModuleParameterRuntimeValue<string>;
  /** Steps that must precede the connection of the contracts. */
  before?: Future[];
}

/**
 * Deploys all contracts except token and reward pool, connects them once, adds the launch classes, and hands over
 * governance. Parameters have no defaults, so that a network never gets another network's parameters;
 * `ignition/parameters/` has those of each network.
 */
export function system(m: IgnitionModuleBuilder, ground: Ground) {
  const { token, rewardPool, predecessor, before = [] } = ground;
  const deployer = m.getAccount(0);
  // The deployer adds the classes, and has no role afterwards.
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
  // It needs no connection: it reads its addresses from `Settlement`.
  const cashier = m.contract("Cashier", [settlement]);
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

  const tcp = m.call(registry, "addClass", [kind(bytes32("tcp"))], {
    id: "addTcp",
    after: [jsonRpc],
  });

  const governor = m.getParameter<string>("governor");
  const delay = m.getParameter<number>("governanceDelay");
  const granted = m.call(governance, "grantRole", [ADMIN_ROLE, governor, delay], {
    after: [tcp],
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
    cashier,
    livenessVerifier,
    governance,
  };
}

/** Encodes a short name for the contracts: ASCII, padded with zeros. */
function bytes32(name: string): string {
  return `0x${Buffer.from(name.padEnd(32, "\0")).toString("hex")}`;
}
