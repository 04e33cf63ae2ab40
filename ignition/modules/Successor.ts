import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import { system } from "./system.ts";

/**
 * A later version beside an earlier one, for the same token: services are taken over with their numbers
 * (`ServiceRegistry.takeOver`). The earlier pool keeps its BLOC and pays it by its own rules, so the deployer fills
 * the new pool.
 */
export default buildModule("Successor", (m) => {
  const rewardPool = m.contract("RewardPool", [
    m.getParameter<number>("epochSeconds"),
    m.getParameter<number>("yieldPercent"),
  ]);
  const token = m.contractAt("BlocToken", m.getParameter<string>("token"));
  const funded = m.call(token, "transfer", [rewardPool, m.getParameter<bigint>("rewardSupply")]);
  const predecessor = m.getParameter<string>("predecessor");
  return system(m, { token, rewardPool, predecessor, before: [funded] });
});
