import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import { zeroAddress } from "viem";
import { system } from "./system.ts";

/** The first deployment on a chain: it creates the token, and mints the reward supply to the pool. */
export default buildModule("Blockcloud", (m) => {
  const rewardPool = m.contract("RewardPool", [
    m.getParameter<number>("epochSeconds"),
    m.getParameter<number>("yieldPercent"),
  ]);
  const token = m.contract("BlocToken", [rewardPool, m.getParameter<string>("treasury")]);
  return system(m, { token, rewardPool, predecessor: zeroAddress });
});
