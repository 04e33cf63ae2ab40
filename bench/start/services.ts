import { parseEther } from "viem";
import { fund, sender } from "../../devnet/cast.ts";
import { classIds, devKey } from "../../devnet/devnet.ts";
import { startServices } from "../../devnet/processes.ts";
import type { Stage } from "../../devnet/stage.ts";
import type { WorkerProcess } from "../../devnet/worker.ts";
import { registerService } from "../../src/chain/register.ts";
import { Services } from "../../src/chain/services.ts";

/** Services of the one process. */
const SERVICES = 10;
/** BLOC: the least stake of the class, and the fee. */
const STAKE = parseEther("1000");
const FEE = parseEther("10");
/** The key that pays, which plays no other part; and the first of the keys that need no ether. */
const WALLET = 19;
const FIRST_KEY = 100;

/**
 * Registers ten services of one owner, and starts one process for all of them.
 *
 * @param upstream The server behind each of them.
 */
export async function castServices(
  stage: Stage,
  upstream: string,
  workers: WorkerProcess[],
): Promise<WorkerProcess> {
  stage.say(`registering ${SERVICES} services for one process`);
  const { deployment } = stage.devnet;
  const wallet = devKey(WALLET);
  await fund(stage, wallet.address, BigInt(SERVICES) * (STAKE + FEE));
  const registry = new Services(stage.client, deployment);
  const paying = sender(stage, wallet.key);
  const services = [];
  for (let index = 0; index < SERVICES; index++) {
    const { key, address } = devKey(FIRST_KEY + index);
    const number = await registerService(paying, deployment, registry, {
      classId: classIds.http,
      key: address,
      probe: { v: 1, requests: [{ path: "/README.md" }] },
      metadata: "",
      stake: STAKE,
    });
    services.push({ number, upstream, key });
  }
  const worker = await startServices(stage, services, wallet.key);
  workers.push(worker);
  const { failed } = await worker.logged("the services have started");
  if (failed !== 0) throw new Error(`${String(failed)} services do not run: ${worker.lastError}`);
  return worker;
}
