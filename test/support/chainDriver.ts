import type { ChainClient } from "../../src/chain/client.ts";
import type { Deployment } from "../../src/chain/deployment.ts";
import { epochStart } from "../../src/protocol/epoch.ts";
import { until } from "./until.ts";

const POLL_MS = 50;

/** Moves the time of an embedded chain that mines on demand, and waits for what follows. */
export class ChainDriver {
  readonly #client: ChainClient;
  readonly #deployment: Deployment;

  constructor(client: ChainClient, deployment: Deployment) {
    this.#client = client;
    this.#deployment = deployment;
  }

  /** Mines a block at a share of an epoch, unless the chain is past it, and one more. */
  async jump(epoch: number, share: number): Promise<void> {
    const { epochSeconds } = this.#deployment;
    const target = Math.floor(epochStart(this.#deployment, epoch) + share * epochSeconds);
    const { timestamp } = await this.#client.getBlock();
    if (Number(timestamp) < target) await this.#request("evm_setNextBlockTimestamp", [target]);
    await this.#request("evm_mine", []);
    await this.#request("evm_mine", []);
  }

  /** Waits until a condition holds; names it when it never does. */
  until(what: string, condition: () => Promise<boolean>): Promise<void> {
    return until(what, condition, POLL_MS);
  }

  #request(method: string, params: readonly unknown[]): Promise<unknown> {
    const request = this.#client.request as (call: object) => Promise<unknown>;
    return request({ method, params });
  }
}
