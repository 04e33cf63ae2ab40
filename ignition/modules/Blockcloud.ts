import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";

/**
 * The deployment: five contracts, connected once. Parameters have no defaults, so that a network is never
 * deployed with another one's; `src/demo/devnet.ts` has those of the embedded chain.
 */
export default buildModule("Blockcloud", (m) => {
  const epochSeconds = m.getParameter<number>("epochSeconds");
  const rewardPool = m.contract("RewardPool", [epochSeconds]);
  const token = m.contract("BlocToken", [rewardPool, m.getParameter<string>("treasury")]);
  const registry = m.contract("ServiceRegistry", [epochSeconds, m.getParameter("classes")]);
  const staking = m.contract("Staking", [
    token,
    registry,
    m.getParameter<number>("unbondingSeconds"),
    m.getParameter<bigint>("minimumAuditorStake"),
  ]);
  const proofOfService = m.contract("ProofOfService", [registry, staking, rewardPool]);

  m.call(registry, "wire", [staking]);
  m.call(staking, "wire", [proofOfService]);
  m.call(rewardPool, "wire", [token, proofOfService]);
  return { token, rewardPool, registry, staking, proofOfService };
});
