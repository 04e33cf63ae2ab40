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
  /** First block that can contain an event of the contracts. */
  block: z.number().int().nonnegative(),
  genesis: z.number().int().positive(),
  epochSeconds: z.number().int().positive(),
  /** Blocks above an epoch's first block before its seed is trusted. */
  confirmations: z.number().int().nonnegative(),
  /** Identifies the contracts' interfaces: see `abiHash`. */
  abiHash: z
    .string()
    .regex(/^0x[0-9a-f]{64}$/)
    .transform((value) => value as Hex)
    .optional(),
  /** Nodes of the record network to join by, unless others are named: multiaddrs. */
  bootstrap: z.array(z.string().max(256)).max(32).optional(),
  /** Relays for providers behind NAT, unless others are named: `host:port`. */
  relays: z.array(z.string().max(260)).max(8).optional(),
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
    cashier: address,
    /** Verifier of the launch classes. */
    livenessVerifier: address.optional(),
    /** Access manager of the classes. */
    governance: address.optional(),
  }),
  /** The deployment's parameters, for documentation; BLOC in wei. */
  parameters: z.record(z.string().max(64), z.union([z.number(), z.string().max(80)])).optional(),
});

/** The deployment file that every worker reads: `deployments/<network>.json`. */
export type Deployment = z.infer<typeof deploymentSchema>;

/**
 * Reads a deployment file.
 *
 * @throws BlockcloudError `DEPLOYMENT_INVALID` that lists all problems of the file, or
 * `DEPLOYMENT_OTHER_VERSION` if its contracts have other interfaces than this version.
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
      remedy:
        "Name the file that npm run deploy wrote by --deployment or BLOCKCLOUD_DEPLOYMENT: no public one comes with the package yet.",
    });
  }
  const parsed = deploymentSchema.safeParse(json);
  if (!parsed.success) {
    throw new BlockcloudError(
      "DEPLOYMENT_INVALID",
      `${file} is not a deployment file:\n${z.prettifyError(parsed.error)}`,
    );
  }
  if (parsed.data.abiHash !== undefined && parsed.data.abiHash !== abiHash()) {
    throw new BlockcloudError(
      "DEPLOYMENT_OTHER_VERSION",
      `The contracts of ${file} have the interfaces ${parsed.data.abiHash}, this version needs ${abiHash()}.`,
      { remedy: "Use the version of this software with which the contracts were deployed." },
    );
  }
  return parsed.data;
}

/** The first block and the start time of a deployment. */
export function originOf({ block, genesis }: Deployment): ChainOrigin {
  return { block, time: genesis };
}

/** Distinguishes deployments in file names; the genesis distinguishes those at the same addresses. */
export function deploymentTag({ chainId, genesis, contracts }: Deployment): string {
  return [chainId, contracts.proofOfService.slice(2, 10), genesis].join("-");
}
