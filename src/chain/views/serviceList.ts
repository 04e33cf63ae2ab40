import { isAddressEqual, type Address } from "viem";
import { HORIZON } from "../../protocol/epoch.ts";
import { serviceStatus, type ServiceStatus } from "../../protocol/serviceStatus.ts";
import type { ChainClient } from "../client.ts";
import type { Deployment } from "../deployment.ts";
import { Services } from "../services.ts";
import { contractsOf, numbers, readEach, type Moment } from "./contracts.ts";

/** Number of services that are read at once. */
const PAGE = 48;

/** A service in a list. */
export interface ServiceRow {
  number: bigint;
  label: string | undefined;
  className: string;
  owner: Address;
  status: ServiceStatus;
  /** As it counts two epochs later, BLOC in wei. */
  stake: bigint;
}

export interface ServiceFilter {
  status?: ServiceStatus;
  /** Name of the class. */
  className?: string;
  owner?: Address;
  /** Begin after this number. */
  after?: bigint;
}

/** Reads the registry in pages, by number; the caller may stop at any service. */
export async function* listServices(
  client: ChainClient,
  deployment: Deployment,
  input: { moment: Moment; filter: ServiceFilter },
): AsyncGenerator<ServiceRow> {
  const { filter } = input;
  const services = new Services(client, deployment);
  const count = Number(await services.count());
  const matches = (row: ServiceRow) =>
    (filter.status === undefined || row.status === filter.status) &&
    (filter.className === undefined || row.className === filter.className) &&
    (filter.owner === undefined || isAddressEqual(row.owner, filter.owner));
  for (let first = Number(filter.after ?? 0n) + 1; first <= count; first += PAGE) {
    const page = numbers(first, Math.min(count, first + PAGE - 1));
    const rows = await readEach(page, (number) =>
      readRow(client, deployment, services, BigInt(number), input.moment.epoch + HORIZON),
    );
    yield* rows.filter(matches);
  }
}

async function readRow(
  client: ChainClient,
  deployment: Deployment,
  services: Services,
  number: bigint,
  epoch: number,
): Promise<ServiceRow> {
  const { registry, staking, labels } = contractsOf(deployment);
  const args = [number] as const;
  const [status, classId, owner, label, [stake]] = await Promise.all([
    client.readContract({ ...registry, functionName: "statusNow", args }),
    client.readContract({ ...registry, functionName: "classOf", args }),
    client.readContract({ ...registry, functionName: "ownerOf", args }),
    client.readContract({ ...labels, functionName: "labelOf", args }),
    client.readContract({ ...staking, functionName: "serviceStakeAt", args: [number, epoch] }),
  ]);
  const { name } = await services.classAt(classId);
  return {
    number,
    label: label === "" ? undefined : label,
    className: name,
    owner,
    status: serviceStatus(status),
    stake,
  };
}
