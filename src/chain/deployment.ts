import { readFileSync } from "node:fs";
import { getAddress, isAddress, type Address } from "viem";
import { z } from "zod";
import { BlockcloudError } from "../protocol/errors.ts";

const address = z
  .string()
  .refine((value) => isAddress(value, { strict: false }), "must be an address")
  .transform((value): Address => getAddress(value));

const deploymentSchema = z.object({
  chainId: z.number().int().positive(),
  /** First block that can hold an event of ours. */
  block: z.number().int().nonnegative(),
  genesis: z.number().int().positive(),
  epochSeconds: z.number().int().positive(),
  /** Blocks after an epoch's first before its seed is trusted. */
  confirmations: z.number().int().nonnegative(),
  contracts: z.object({
    token: address,
    rewardPool: address,
    registry: address,
    staking: address,
    proofOfService: address,
    challengeBook: address,
  }),
});

/** What every worker reads: `deployments/<network>.json`. */
export type Deployment = z.infer<typeof deploymentSchema>;

/**
 * Reads a deployment file.
 *
 * @throws BlockcloudError `DEPLOYMENT_INVALID` that lists everything that is wrong with it.
 */
export function loadDeployment(file: string): Deployment {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new BlockcloudError("DEPLOYMENT_INVALID", `Cannot read the deployment ${file}.`, {
      cause,
      remedy: "Name a deployments/<network>.json that a deployment wrote.",
    });
  }
  const parsed = deploymentSchema.safeParse(json);
  if (!parsed.success) {
    throw new BlockcloudError(
      "DEPLOYMENT_INVALID",
      `${file} is no deployment:\n${z.prettifyError(parsed.error)}`,
    );
  }
  return parsed.data;
}
