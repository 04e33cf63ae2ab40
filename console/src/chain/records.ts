import type { Address, Hex } from "viem";
import { isAddressEqual, parseEventLogs } from "viem";
import { BlockcloudError } from "@protocol/errors.ts";
import { MAX_LEASE_MS, readRecord, type EndpointRecord } from "@protocol/record.ts";
import { rootServiceId } from "@protocol/serviceId.ts";
import { blockcloudDomain } from "@protocol/typedData.ts";
import type { Sources } from "../context.tsx";
import type { Head } from "./head.ts";
import { readEvents } from "./logs.ts";
import { readerOf } from "./reader.ts";

/** A record that was announced on chain, with its signer. */
export interface AnnouncedRecord {
  number: bigint;
  record: EndpointRecord;
  signer: Address;
  encoded: Hex;
  block: bigint;
}

/** A record's state, as auditors see it. */
export type RecordState = "current" | "expired" | "foreign" | "none";

/**
 * The records that were announced within the longest lease, newest last. Anyone may announce anything, so only
 * well-formed records of the service they are announced for are returned, with their signers.
 *
 * @param number One service; without it all.
 */
export async function readAnnounced(
  sources: Sources,
  head: Head,
  signal: AbortSignal,
  number?: bigint,
): Promise<{ records: AnnouncedRecord[]; isWhole: boolean }> {
  const { client, contracts, config } = sources;
  const { chainId, contracts: addresses } = config.deployment;
  const domain = blockcloudDomain(BigInt(chainId), addresses.registry);
  const from = await readerOf(sources).blockBefore(head.timestamp - MAX_LEASE_MS / 1000, head);
  const read = await readEvents(
    { from, to: head.number },
    async (piece) => {
      const logs = await client.getContractEvents({
        ...contracts.registry,
        eventName: "Announced",
        ...(number !== undefined && { args: { number } }),
        fromBlock: piece.from,
        toBlock: piece.to,
      });
      return parseEventLogs({ abi: contracts.registry.abi, eventName: "Announced", logs });
    },
    signal,
  );
  const records = read.events.flatMap(({ args, blockNumber }) => {
    try {
      const { record, signer } = readRecord(args.record, domain);
      if (record.serviceId !== rootServiceId(args.number)) return [];
      return [{ number: args.number, record, signer, encoded: args.record, block: blockNumber }];
    } catch (error) {
      if (error instanceof BlockcloudError && error.code === "RECORD_MALFORMED") return [];
      throw error;
    }
  });
  return { records, isWhole: read.isWhole };
}

/** The newest record that a key signed. */
export function newestBy(
  records: readonly AnnouncedRecord[],
  number: bigint,
  key: Address,
): AnnouncedRecord | undefined {
  return records.reduce<AnnouncedRecord | undefined>((best, next) => {
    if (next.number !== number || !isAddressEqual(next.signer, key)) return best;
    return best !== undefined && best.record.issuedAt >= next.record.issuedAt ? best : next;
  }, undefined);
}

/** The newest record that a key had signed at a time, Unix seconds. */
export function newestAt(
  records: readonly AnnouncedRecord[],
  service: { number: bigint; key: Address },
  seconds: number,
): AnnouncedRecord | undefined {
  const past = records.filter(({ record }) => record.issuedAt <= BigInt(seconds) * 1000n);
  return newestBy(past, service.number, service.key);
}

/** How clients reach a service, from its endpoints. */
export function waysOf(endpoints: readonly string[]): { transports: string[]; isRelayed: boolean } {
  const transports = [...new Set(endpoints.map(schemeOf))];
  const isRelayed =
    endpoints.length > 0 && endpoints.every((uri) => uri.startsWith("sal://") && hasRelay(uri));
  return { transports, isRelayed };
}

/** The scheme of an endpoint, if a record may have it. */
function schemeOf(uri: string): string {
  return /^(https?|sal|tcp):\/\//.exec(uri)?.[1] ?? "unknown";
}

/** `sal://host:port?relay` is a relay's address. */
function hasRelay(uri: string): boolean {
  return /\?(?:[^#]*&)?relay(?:[=&#]|$)/.test(uri);
}
