import type { Address, Hex } from "viem";
import type { Directory, ServiceFacts } from "../../src/chain/directory.ts";
import { keccak } from "../../src/protocol/bytes.ts";
import type { EndpointRecord } from "../../src/protocol/record.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { blockcloudDomain } from "../../src/protocol/typedData.ts";

/** The seed from which all keys are derived. */
export const SEED = "blockcloud resolve";

/** The registry address in the signatures. No such contract exists, and no chain is read. */
export const REGISTRY = "0x5FbDB2315678afecb367f032d93F642f64180aa3";
export const CHAIN_ID = 31_337n;
export const domain = blockcloudDomain(CHAIN_ID, REGISTRY);

/** Number of signing keys; each signs for many services. */
const KEYS = 64;
const keys = Array.from({ length: KEYS }, (_, index) => {
  const key = keccak(new TextEncoder().encode(`${SEED} key ${index}`));
  return { key, address: addressOfKey(key) };
});

/** The key of a synthetic service, and its address. */
export function keyOf(number: number): { key: Uint8Array; address: Address } {
  const found = keys[number % KEYS];
  if (found === undefined) throw new Error(`service ${number}`);
  return found;
}

/** The ID of a synthetic service; numbers run from 1. */
export function idOf(number: number): Hex {
  return rootServiceId(BigInt(number));
}

/** The number in an ID of a root service. */
export function numberOf(serviceId: Hex): number {
  return Number(BigInt(serviceId) >> 192n);
}

/** The label of a synthetic service. */
export function labelOf(number: number): string {
  return `s${number}`;
}

/** The DNS name of a synthetic service. */
export function nameOf(number: number): string {
  return `${labelOf(number)}.bloc.alt`;
}

/**
 * The address of a synthetic service. It is a public one, to which nothing is sent: the DNS front leaves out
 * addresses that are reserved, those for benchmarks (RFC 2544), too, and would answer without a record.
 */
export function addressOf(number: number): string {
  const host = number % 2 ** 17;
  return `11.${host >> 16}.${(host >> 8) & 255}.${host & 255}`;
}

/**
 * A record of a synthetic service.
 *
 * @param times Unix milliseconds; `issuedAt` is its version.
 */
export function endpointRecord(
  number: number,
  times: { issuedAt: number; leaseMs: number },
): EndpointRecord {
  return {
    serviceId: idOf(number),
    issuedAt: BigInt(times.issuedAt),
    expiresAt: BigInt(times.issuedAt + times.leaseMs),
    endpoints: [{ uri: `https://${addressOf(number)}:443`, priority: 0, weight: 1 }],
    delegation: "0x",
  };
}

/**
 * A fake chain on which every number up to `count` is an active service with a label, and nothing ever
 * changes.
 */
export function syntheticDirectory(count: number): Directory {
  const exists = (number: bigint) => number >= 1n && number <= BigInt(count);
  const factsOf = (number: bigint): ServiceFacts | undefined =>
    exists(number)
      ? {
          number,
          status: "Active",
          key: keyOf(Number(number)).address,
          stake: 1000n * 10n ** 18n,
          verdicts: [
            { epoch: 11, verdict: 3 },
            { epoch: 10, verdict: 3 },
          ],
          block: 1n,
        }
      : undefined;
  return {
    rootKey: (number) => {
      const facts = factsOf(number);
      return Promise.resolve(facts && { key: facts.key, active: true });
    },
    facts: (number) => Promise.resolve(factsOf(number)),
    knownFacts: factsOf,
    numberOf: (label) => {
      const number = /^s[1-9]\d*$/.test(label) ? BigInt(label.slice(1)) : 0n;
      return Promise.resolve(exists(number) ? number : undefined);
    },
    onChange: () => () => {},
    onLabel: () => () => {},
  };
}
