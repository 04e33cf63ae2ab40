import { getAddress, type Address, type Hex } from "viem";
import type { Arrival, Authority, RootKey } from "../../src/coral/network.ts";
import { hexToBytes } from "../../src/protocol/bytes.ts";
import { revocations, signDelegation } from "../../src/protocol/delegation.ts";
import { BlockcloudError } from "../../src/protocol/errors.ts";
import { nameRecords } from "../../src/protocol/nameRecord.ts";
import { signRecord, type Endpoint } from "../../src/protocol/record.ts";
import { rootServiceId, serviceId } from "../../src/protocol/serviceId.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { blockcloudDomain } from "../../src/protocol/typedData.ts";

/** The deployment of the tests of the record network. */
export const CHAIN_ID = 31_337;
export const REGISTRY: Address = "0x5FbDB2315678afecb367f032d93F642f64180aa3";
export const domain = blockcloudDomain(BigInt(CHAIN_ID), REGISTRY);
/** Where the tests' clock begins, Unix milliseconds. */
export const START = 1_800_000_000_000;
const DAY = 24 * 3600 * 1000;

/** A private key that is the same in each run. */
export function testKey(seed: number): Uint8Array {
  return hexToBytes(`0x${(BigInt(seed) + 1_000_000n).toString(16).padStart(64, "0")}`);
}

/** A registry in memory that a test changes. */
export class FakeAuthority implements Authority {
  readonly roots = new Map<bigint, RootKey>();
  readonly asked: bigint[] = [];
  readonly #listeners = new Set<(number: bigint) => void>();
  /** Set while the chain cannot be asked. */
  away = false;
  /** Is told of each question. */
  onAsked: (number: bigint) => void = () => {};
  /** What each answer waits for, if anything. */
  gate: Promise<unknown> | undefined;

  async rootKey(number: bigint): Promise<RootKey | undefined> {
    this.asked.push(number);
    this.onAsked(number);
    if (this.away) {
      throw new BlockcloudError("RPC_UNAVAILABLE", "No endpoint answers.", { retryable: true });
    }
    const answer = this.roots.get(number);
    await this.gate;
    return answer;
  }

  onChange(listener: (number: bigint) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Registers or changes a service without notifying listeners. */
  set(number: bigint, key: Uint8Array, active = true): void {
    this.roots.set(number, { key: addressOfKey(key), active });
  }

  /** Tells that a service changed. */
  tell(number: bigint): void {
    for (const listener of this.#listeners) listener(number);
  }

  get listeners(): number {
    return this.#listeners.size;
  }
}

interface Times {
  /** Unix milliseconds. */
  issuedAt: number;
  /** Milliseconds. */
  lease?: number;
}

const endpointAt = (uri: string): Endpoint => ({ uri, priority: 0, weight: 1 });

/** A record of a root service. */
export function rootRecord(
  number: bigint,
  key: Uint8Array,
  { issuedAt, lease = 60_000 }: Times,
  uri = "https://a.example",
): Hex {
  return signRecord(
    {
      serviceId: rootServiceId(number),
      issuedAt: BigInt(issuedAt),
      expiresAt: BigInt(issuedAt + lease),
      endpoints: [endpointAt(uri)],
      delegation: "0x",
    },
    domain,
    key,
  );
}

/** The ID of a sub-service with a key. */
export function subId(number: bigint, key: Uint8Array, group = 0): Hex {
  return serviceId({ prefix: number, group, self: getAddress(addressOfKey(key)) });
}

/** A record of a sub-service with the root's delegation. */
export function subRecord(
  number: bigint,
  keys: { root: Uint8Array; self: Uint8Array; signer?: Uint8Array },
  { issuedAt, lease = 60_000 }: Times,
  delegated: { issuedAt?: number; expiresAt?: number } = {},
): Hex {
  const id = subId(number, keys.self);
  const delegation = signDelegation(
    {
      serviceId: id,
      issuedAt: BigInt(delegated.issuedAt ?? START),
      expiresAt: BigInt(delegated.expiresAt ?? START + DAY),
    },
    domain,
    keys.root,
  );
  return signRecord(
    {
      serviceId: id,
      issuedAt: BigInt(issuedAt),
      expiresAt: BigInt(issuedAt + lease),
      endpoints: [endpointAt("tcp://device.example:1")],
      delegation,
    },
    domain,
    keys.signer ?? keys.self,
  );
}

/** A name that a root service gives to a sub-service. */
export function nameRecord(
  number: bigint,
  key: Uint8Array,
  input: { label: string; serviceId: Hex },
  { issuedAt, lease = DAY }: Times,
): Hex {
  return nameRecords.sign(
    {
      root: rootServiceId(number),
      ...input,
      issuedAt: BigInt(issuedAt),
      expiresAt: BigInt(issuedAt + lease),
    },
    domain,
    key,
  );
}

/** That a root service takes its delegations to a sub-service back. */
export function revocation(key: Uint8Array, id: Hex, { issuedAt, lease = 30 * DAY }: Times): Hex {
  return revocations.sign(
    { serviceId: id, issuedAt: BigInt(issuedAt), expiresAt: BigInt(issuedAt + lease) },
    domain,
    key,
  );
}

/** Arrivals in short, for comparison. */
export function describeArrival(arrival: Arrival): string {
  return arrival.kind === "dropped"
    ? `dropped ${arrival.number}`
    : `${arrival.kind} ${arrival.serviceId}`;
}
