import type { Address } from "viem";
import type { ChainClient } from "../src/chain/client.ts";
import type { Deployment } from "../src/chain/deployment.ts";
import { Services } from "../src/chain/services.ts";
import { stakingAbi } from "../src/protocol/abi/staking.ts";
import type { DemoService } from "./stage.ts";

/** What the live view shows of a service, whoever registered it. */
export type ShownService = Pick<DemoService, "number" | "name"> & { className: string };

/** Services that others than the devnet have registered on its chain, and the stakes of all. */
export class Visitors {
  readonly #client: ChainClient;
  readonly #staking: { address: Address; abi: typeof stakingAbi };
  readonly #services: Services;
  readonly #classes = new Map<bigint, string>();
  /** By name and epoch: a stake of an epoch that has begun does not change. */
  readonly #stakes = new Map<string, bigint>();

  constructor(client: ChainClient, deployment: Deployment) {
    this.#client = client;
    this.#staking = { address: deployment.contracts.staking, abi: stakingAbi };
    this.#services = new Services(client, deployment);
  }

  /** The services beside the devnet's own. */
  async services(own: readonly Pick<DemoService, "number">[]): Promise<ShownService[]> {
    const count = await this.#services.count();
    const known = new Set(own.map(({ number }) => number));
    const numbers = Array.from({ length: Number(count) }, (_, index) => BigInt(index) + 1n);
    return Promise.all(
      numbers
        .filter((number) => !known.has(number))
        .map(async (number) => ({
          number,
          name: "yours",
          className: await this.#className(number),
        })),
    );
  }

  /** BLOC in wei. */
  serviceStake(number: bigint, epoch: number): Promise<bigint> {
    return this.#remembered(`${number}`, epoch, async () => {
      const [stake] = await this.#client.readContract({
        ...this.#staking,
        functionName: "serviceStakeAt",
        args: [number, epoch],
      });
      return stake;
    });
  }

  /** BLOC in wei. */
  auditorStake(auditor: Address, epoch: number): Promise<bigint> {
    return this.#remembered(auditor, epoch, () =>
      this.#client.readContract({
        ...this.#staking,
        functionName: "auditorStakeAt",
        args: [auditor, epoch],
      }),
    );
  }

  async #className(number: bigint): Promise<string> {
    const known = this.#classes.get(number);
    if (known !== undefined) return known;
    const name = await this.#services.className(number);
    this.#classes.set(number, name);
    return name;
  }

  async #remembered(name: string, epoch: number, read: () => Promise<bigint>): Promise<bigint> {
    const key = `${name} ${epoch}`;
    const known = this.#stakes.get(key);
    if (known !== undefined) return known;
    const stake = await read();
    this.#stakes.set(key, stake);
    return stake;
  }
}
