import { parseEther } from "viem";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { HashChain } from "../../src/protocol/hashChain.ts";
import { hexToBytes } from "../../src/protocol/bytes.ts";
import { HORIZON, RING } from "../../src/protocol/epoch.ts";
import type { BenchChain } from "../chain.ts";
import { keyOf, SERVICE_STAKE, type Fleet } from "../fleet.ts";

/** Epochs of an hour in a year. */
const YEAR_OF_EPOCHS = 8_766;

/**
 * Registers a fleet, half of it later, into slots that other services left. Services that never become active are
 * registered in between.
 */
export async function churn(chain: BenchChain, fleet: Fleet): Promise<void> {
  const half = Math.floor(fleet.services / 2);
  const pairs = Array.from({ length: half }, () => [SERVICE_STAKE, 0n, SERVICE_STAKE]);
  const odd = fleet.services - 2 * half;
  await fleet.add([...pairs.flat(), ...Array<bigint>(odd).fill(SERVICE_STAKE)]);
  // Every other slot, which is the worst case.
  const leaving = [...fleet.holders].flatMap(([slot, number]) => (slot % 2 === 0 ? [number] : []));
  await chain.enter((await chain.epoch()) + HORIZON);
  const { owner } = fleet;
  for (const number of leaving) {
    const call = { contract: "registry", functionName: "setMaintenance" } as const;
    await chain.send({ from: owner, ...call, args: [number, true] });
  }
  await chain.enter((await chain.epoch()) + HORIZON + RING);
  for (const number of leaving) {
    const call = { contract: "registry", functionName: "releaseSlot" } as const;
    await chain.send({ from: fleet.keeper, ...call, args: [number] });
  }
  await fleet.add(leaving.map(() => SERVICE_STAKE));
  await fleet.locate();
  await chain.enter((await chain.epoch()) + HORIZON);
}

/** Changes the totals of both kinds of stake by one wei in each epoch. */
export class Dust {
  readonly #chain: BenchChain;
  readonly #fleet: Fleet;

  private constructor(chain: BenchChain, fleet: Fleet) {
    this.#chain = chain;
    this.#fleet = fleet;
  }

  /** Enrols an idle auditor. */
  static async begin(chain: BenchChain, fleet: Fleet): Promise<Dust> {
    const stake = parseEther("5000");
    await fleet.fund(DUSTER, stake + parseEther("1"));
    await fleet.fund(fleet.owner, parseEther("1"));
    const scope = { chainId: 1n, contract: DUSTER, chainNumber: 0 };
    const { tip } = new HashChain(hexToBytes(keyOf("dust")), scope, 1);
    const staking = { from: DUSTER, contract: "staking", functionName: "stakeAuditor" } as const;
    await chain.send({ ...staking, args: [stake] });
    const enrol = { from: DUSTER, contract: "proofOfService", functionName: "enrol" } as const;
    await chain.send({ ...enrol, args: [tip, DUSTER] });
    return new Dust(chain, fleet);
  }

  /** Changes both totals in this epoch. */
  async add(): Promise<void> {
    await this.#chain.send({
      from: this.#fleet.owner,
      contract: "staking",
      functionName: "stakeService",
      args: [1n, 1n],
    });
    await this.#chain.send({
      from: DUSTER,
      contract: "staking",
      functionName: "stakeAuditor",
      args: [1n],
    });
  }

  /** Changes them in each epoch of a year. */
  async year(): Promise<void> {
    const first = (await this.#chain.epoch()) + 1;
    for (let epoch = first; epoch < first + YEAR_OF_EPOCHS; epoch++) {
      await this.#chain.enter(epoch);
      await this.add();
    }
  }
}

const DUSTER = addressOfKey(keyOf("dust"));
