import { createHmac } from "node:crypto";
import type { Address, Hex } from "viem";
import type { ChainClient } from "../chain/client.ts";
import type { Deployment } from "../chain/deployment.ts";
import { proofOfServiceAbi } from "../protocol/abi/proofOfService.ts";
import { hexToBytes, ZERO_HASH } from "../protocol/bytes.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { HASH_CHAIN_LENGTH, HashChain } from "../protocol/hashChain.ts";

/** Number of hash chains that are tried to find the one whose tip is on chain. */
const MAX_CHAINS = 64;

/**
 * The key of the hash chains, derived from the operator's key. The operator's key alone restores an auditor, and
 * a hash chain reveals nothing about the key.
 */
export function chainKey(operatorKey: Hex): Uint8Array {
  return createHmac("sha256", hexToBytes(operatorKey)).update("blockcloud hash chain 1").digest();
}

/** A hash chain of an operator's key for a deployment. */
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
  /** Number of hash chains to try; computing one takes a quarter of a second. */
  maxChains?: number;
}

/** Finds the secrets of epochs from the contract's data about an auditor. */
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
   * @returns Undefined if the auditor is not enrolled in the epoch.
   * @throws BlockcloudError `HASH_CHAIN_UNKNOWN` if the registered tip is not of this operator's key.
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

  /** The hash chain that contains an element, and its distance from the tip. Other chains are not kept. */
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
