import { isAddressEqual, type Address } from "viem";
import { serviceRegistryAbi } from "../../protocol/abi/serviceRegistry.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import {
  MAX_AHEAD_MS,
  MAX_LEASE_MS,
  readRecord,
  type Endpoint,
  type EndpointRecord,
} from "../../protocol/record.ts";
import { rootServiceId } from "../../protocol/serviceId.ts";
import { transportOf } from "../../protocol/transport.ts";
import { blockcloudDomain } from "../../protocol/typedData.ts";
import type { ChainClient } from "../client.ts";
import type { Deployment } from "../deployment.ts";
import { LOG_SPAN, readRanges, type BlockRange } from "../logs.ts";
import { blockAt } from "../blocks.ts";
import type { Moment } from "./contracts.ts";

/** Number of ranges of history in which an expired record is searched. */
const PIECES_BACK = 20;

/** A service's record. */
export interface RecordView {
  /**
   * `chain`: its announcement, up to a day old; `network`: the live record, which ends after a minute; `agent`: the
   * live record, as the agent on this host has published it.
   */
  source: "chain" | "network" | "agent";
  /**
   * `current`: signed by the service's key and valid; `expired`: its lease has expired; `foreign`: another key
   * signed the newest record; `none`: no record was found.
   */
  state: "current" | "expired" | "foreign" | "none";
  record: EndpointRecord | undefined;
  /** The signer of the record. */
  signer: Address | undefined;
  /** The oldest block that was searched. */
  searchedFrom: bigint;
}

interface Found {
  record: EndpointRecord;
  signer: Address;
}

/**
 * Finds the record that auditors use: the newest one that the service's key signed. Valid records lie within the
 * longest lease. A bounded number of older blocks is searched for an expired record, to distinguish a gateway that
 * stopped from one that never ran.
 */
export async function readRecordView(
  client: ChainClient,
  deployment: Deployment,
  input: { number: bigint; key: Address; moment: Moment },
): Promise<RecordView> {
  const { key, moment } = input;
  const first = BigInt(deployment.block);
  const leases = moment.timestamp - (MAX_LEASE_MS + MAX_AHEAD_MS) / 1000;
  const since = await blockAt(client, leases, { from: first, to: moment.number });
  const read = (piece: BlockRange) => announced(client, deployment, input, piece);
  let own: Found | undefined;
  let foreign: Found | undefined;
  const take = (found: readonly Found[]) => {
    own = newest([own, ...found.filter(({ signer }) => isAddressEqual(signer, key))]);
    foreign = newest([foreign, ...found.filter(({ signer }) => !isAddressEqual(signer, key))]);
  };
  for await (const { value } of readRanges({ from: since, to: moment.number }, read)) take(value);
  let searchedFrom = since;
  if (own === undefined && since > first) {
    const behind = since - BigInt(PIECES_BACK) * LOG_SPAN;
    const range = { from: behind > first ? behind : first, to: since - 1n };
    for await (const { from, value } of readRanges(range, read, { backward: true })) {
      searchedFrom = from;
      take(value);
      if (own !== undefined) break;
    }
  }
  const found = own ?? foreign;
  if (found === undefined) {
    return {
      ...{ source: "chain", state: "none", record: undefined, signer: undefined },
      searchedFrom,
    };
  }
  const isCurrent = found.record.expiresAt > BigInt(moment.timestamp) * 1000n;
  const state = found === foreign ? "foreign" : isCurrent ? "current" : "expired";
  return { source: "chain", state, ...found, searchedFrom };
}

/** The endpoints over which auditors inspect, those with the lowest priority number first. */
export function auditedEndpoints(record: EndpointRecord): Endpoint[] {
  return record.endpoints
    .filter((endpoint) => transportOf(endpoint) !== undefined)
    .sort((a, b) => a.priority - b.priority);
}

/** Valid records of a service in a range of blocks. */
async function announced(
  client: ChainClient,
  deployment: Deployment,
  input: { number: bigint; moment: Moment },
  piece: BlockRange,
): Promise<Found[]> {
  const { chainId, contracts } = deployment;
  const domain = blockcloudDomain(BigInt(chainId), contracts.registry);
  const logs = await client.getContractEvents({
    address: contracts.registry,
    abi: serviceRegistryAbi,
    eventName: "Announced",
    args: { number: input.number },
    fromBlock: piece.from,
    toBlock: piece.to,
    strict: true,
  });
  const latest = BigInt(input.moment.timestamp) * 1000n + BigInt(MAX_AHEAD_MS);
  return logs.flatMap(({ args }) => {
    try {
      const found = readRecord(args.record, domain);
      const { serviceId, issuedAt } = found.record;
      return serviceId === rootServiceId(input.number) && issuedAt <= latest ? [found] : [];
    } catch (error) {
      // Anyone may announce anything.
      if (error instanceof BlockcloudError && error.code === "RECORD_MALFORMED") return [];
      throw error;
    }
  });
}

function newest(found: readonly (Found | undefined)[]): Found | undefined {
  return found.reduce((best, next) =>
    next === undefined || (best && best.record.issuedAt >= next.record.issuedAt) ? best : next,
  );
}
