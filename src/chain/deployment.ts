import { readFileSync } from "node:fs";
import { getAddress, isAddress, type Address, type Hex } from "viem";
import * as z from "zod";
import { abiHash } from "../protocol/abiHash.ts";
import type { ChainOrigin } from "./rpc/heads.ts";
import { BlockcloudError } from "../protocol/errors.ts";

const address = z
  .string()
  .refine((value) => isAddress(value, { strict: false }), "must be an address")
  .transform((value): Address => getAddress(value));

const deploymentSchema = z.object({
  /** The network's name in `hardhat.config.ts`. */
  network: z.string().max(64).optional(),
  chainId: z.number().int().positive(),
  /** First block that can hold an event of ours. */
  block: z.number().int().nonnegative(),
  genesis: z.number().int().positive(),
  epochSeconds: z.number().int().positive(),
  /** Blocks after an epoch's first before its seed is trusted. */
  confirmations: z.number().int().nonnegative(),
  /** Names the contracts' interfaces: see `abiHash`. */
  abiHash: z
    .string()
    .regex(/^0x[0-9a-f]{64}$/)
    .transform((value) => value as Hex)
    .optional(),
  /** Nodes of the record network to join by, unless others are named: multiaddrs. */
  bootstrap: z.array(z.string().max(256)).max(32).optional(),
  /** Public JSON-RPC endpoints, unless others are named: without keys in them. */
  rpc: z
    .array(z.url({ protocol: /^https?$/ }).max(256))
    .max(16)
    .optional(),
  contracts: z.object({
    token: address,
    rewardPool: address,
    registry: address,
    staking: address,
    proofOfService: address,
    settlement: address,
    challengeBook: address,
    labels: address,
    /** Verifier of the launch classes. */
    livenessVerifier: address.optional(),
    /** Access manager of the classes. */
    governance: address.optional(),
  }),
  /** What the contracts were deployed with, for people; BLOC in wei. */
  parameters: z.record(z.string().max(64), z.union([z.number(), z.string().max(80)])).optional(),
});

/** What every worker reads: `deployments/<network>.json`. */
export type Deployment = z.infer<typeof deploymentSchema>;

/**
 * Reads a deployment file.
 *
 * @throws BlockcloudError `DEPLOYMENT_INVALID` that lists everything that is wrong with it, or
 * `DEPLOYMENT_OTHER_VERSION` when its contracts are not those that this version speaks to.
 * @example
 * const { chainId, contracts } = loadDeployment("deployments/sepolia.json");
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
  if (parsed.data.abiHash !== undefined && parsed.data.abiHash !== abiHash()) {
    throw new BlockcloudError(
      "DEPLOYMENT_OTHER_VERSION",
      `The contracts of ${file} have interfaces ${parsed.data.abiHash}, this version speaks ${abiHash()}.`,
      { remedy: "Use the version of this software that the deployment was made with." },
    );
  }
  return parsed.data;
}

/** The block and the moment that nothing of a deployment is older than. */
export function originOf({ block, genesis }: Deployment): ChainOrigin {
  return { block, time: genesis };
}

/** Tells deployments apart in names of files; the genesis, those at the same addresses. */
export function deploymentTag({ chainId, genesis, contracts }: Deployment): string {
  return [chainId, contracts.proofOfService.slice(2, 10), genesis].join("-");
}
