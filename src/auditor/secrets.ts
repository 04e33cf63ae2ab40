import { createHmac } from "node:crypto";
import type { Address, Hex } from "viem";
import type { ChainClient } from "../chain/client.ts";
import type { Deployment } from "../chain/deployment.ts";
import { proofOfServiceAbi } from "../protocol/abi/proofOfService.ts";
import { hexToBytes, ZERO_HASH } from "../protocol/bytes.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { HASH_CHAIN_LENGTH, HashChain } from "../protocol/hashChain.ts";

/** Chains that are tried when looking for the one whose tip is on chain. */
const MAX_CHAINS = 64;

/**
 * Key of the hash chains, from the operator's key: the operator's key alone restores an auditor, and a
 * chain says nothing about the key.
 */
export function chainKey(operatorKey: Hex): Uint8Array {
  return createHmac("sha256", hexToBytes(operatorKey)).update("blockcloud hash chain 1").digest();
}

/** The hash chain that an operator's key makes for a deployment. */
export function auditorChain(
  operatorKey: Hex,
  deployment: Deployment,
  chainNumber: number,
): HashChain {
  return new HashChain(chainKey(operatorKey), {
    chainId: BigInt(deployment.chainId),
    contract: deployment.contracts.proofOfService,
    chainNumber,
  });
}

export interface SecretsOptions {
  auditor: Address;
  operatorKey: Hex;
  deployment: Deployment;
  /** How many chains to try; each takes a quarter of a second to make. */
  maxChains?: number;
}

/** Finds the secrets of epochs from what the contract knows of an auditor. */
export class Secrets {
  readonly #options: SecretsOptions;
  readonly #client: ChainClient;
  readonly #chains: HashChain[] = [];

  constructor(options: SecretsOptions, client: ChainClient) {
    this.#options = options;
    this.#client = client;
  }

  /**
   * The secret of an epoch.
   *
   * @returns Undefined when the auditor is not enrolled in the epoch.
   * @throws BlockcloudError `HASH_CHAIN_UNKNOWN` when the registered tip is not of this operator's key.
   */
  async secret(epoch: number): Promise<Hex | undefined> {
    const { auditor, deployment } = this.#options;
    const [, element, elementEpoch, pendingTip, pendingSince] = await this.#client.readContract({
      address: deployment.contracts.proofOfService,
      abi: proofOfServiceAbi,
      functionName: "auditorOf",
      args: [auditor],
    });
    if (pendingTip !== ZERO_HASH && pendingSince <= epoch) {
      return this.#find(pendingTip).chain.secret(epoch, pendingSince - 1);
    }
    if (elementEpoch === 0) return undefined;
    const { chain, depth } = this.#find(element);
    return chain.secret(epoch, elementEpoch - depth);
  }

  /** The chain that holds an element, and how far below the tip. Chains that do not are not kept. */
  #find(element: Hex): { chain: HashChain; depth: number } {
    const { operatorKey, deployment, maxChains = MAX_CHAINS } = this.#options;
    for (const chain of this.#chains) {
      const depth = chain.depthOf(element);
      if (depth !== undefined) return { chain, depth };
    }
    for (let number = 0; number < maxChains; number++) {
      const chain = auditorChain(operatorKey, deployment, number);
      const depth = chain.depthOf(element);
      if (depth === undefined) continue;
      this.#chains.push(chain);
      return { chain, depth };
    }
    throw new BlockcloudError(
      "HASH_CHAIN_UNKNOWN",
      `The hash chain of auditor ${this.#options.auditor} was not made with this operator key.`,
      {
        remedy: `Run with the key that enrolled, or enrol again (${HASH_CHAIN_LENGTH} epochs a chain).`,
      },
    );
  }
}
