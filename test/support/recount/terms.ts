import { zeroAddress } from "viem";
import { abis } from "./calls.ts";
import type { Contracts, Reader } from "./record.ts";

/** Constants of docs/protocol.md, section 7. */
export const HORIZON = 2;
export const RING = 256;
export const SAMPLES = 2;
export const MAX_STEPS = 512;
export const CLAIM_EPOCHS = 128;
export const REPORT_EPOCHS = 8;
export const LAPSE_EPOCHS = 24;
export const CARRY_EPOCHS = 4;
export const DOWN_EPOCHS = 8;
export const DOWN_FRESH_EPOCHS = 3;
export const SEED_EPOCHS = 3;
export const RECEIPT_SLACK_MS = 60_000n;
export const OPEN_AHEAD = 86_400;
export const LONGEST_TAB = 2_592_000;
export const REDEMPTION = 172_800;
export const NOTICE = 86_400;
export const DUE_AFTER = 3;
export const HIGHEST_GRADE = 3;
export const LONGEST_BATCH = 100;
export const FEE_PERCENT = 2n;
export const NO_SHOW_DIVISOR = 10_000n;
export const BLOC = 10n ** 18n;
export const INITIAL_SUPPLY = 10_000_000_000n * BLOC;
export const REWARD_SUPPLY = 3_000_000_000n * BLOC;
/** 365.25 days. */
export const YEAR_SECONDS = 31_557_600n;

/** Bounds and prices of a class. */
export interface ServiceClass {
  minimumStake: bigint;
  maximumStake: bigint;
  registrationFee: bigint;
}

/** What a deployment was made with: the part of section 7 that is not the same everywhere. */
export interface Terms {
  genesis: number;
  epochSeconds: number;
  yieldPercent: bigint;
  unbondingSeconds: bigint;
  minimumAuditorStake: bigint;
  classes: readonly ServiceClass[];
  windowSeconds: bigint;
  coolDownSeconds: bigint;
  bond: bigint;
  /** Of labels of 1, 2, 3, 4, and of 5 bytes and more. */
  labelPrices: readonly bigint[];
}

/**
 * Reads the terms of a deployment.
 *
 * @throws Error where the registry has a predecessor: succession is not recounted.
 */
export async function readTerms(
  client: Reader,
  contracts: Contracts,
  blockNumber: bigint,
): Promise<Terms> {
  const at = <Name extends keyof Contracts>(name: Name) => ({
    address: contracts[name],
    abi: abis[name],
    blockNumber,
  });
  const [registry, staking, book] = [at("registry"), at("staking"), at("challengeBook")] as const;
  const predecessor = await client.readContract({ ...registry, functionName: "predecessor" });
  if (predecessor !== zeroAddress)
    throw new Error("a registry with a predecessor is not recounted");
  const count = await client.readContract({ ...registry, functionName: "classCount" });
  const ids = Array.from({ length: Number(count) }, (_, index) => index);
  const lengths = [1n, 2n, 3n, 4n, 5n];
  const pool = at("rewardPool");
  return {
    genesis: Number(await client.readContract({ ...registry, functionName: "genesis" })),
    epochSeconds: await client.readContract({ ...registry, functionName: "epochSeconds" }),
    yieldPercent: BigInt(await client.readContract({ ...pool, functionName: "yieldPercent" })),
    unbondingSeconds: await client.readContract({ ...staking, functionName: "unbondingSeconds" }),
    minimumAuditorStake: await client.readContract({
      ...staking,
      functionName: "minimumAuditorStake",
    }),
    classes: await Promise.all(
      ids.map((id) => client.readContract({ ...registry, functionName: "classAt", args: [id] })),
    ),
    windowSeconds: await client.readContract({ ...book, functionName: "windowSeconds" }),
    coolDownSeconds: await client.readContract({ ...book, functionName: "coolDownSeconds" }),
    bond: await client.readContract({ ...book, functionName: "bond" }),
    labelPrices: await Promise.all(
      lengths.map((length) =>
        client.readContract({ ...at("labels"), functionName: "priceOf", args: [length] }),
      ),
    ),
  };
}
