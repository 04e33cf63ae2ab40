import { keccak256, type Address, type Hex } from "viem";
import { bytesToHex, concatBytes, hexToBytes } from "../protocol/bytes.ts";
import type { MessageKind } from "./network.ts";

/** The names by which nodes of one deployment find each other. */
export interface NetworkId {
  chainId: number;
  /** Address of the ServiceRegistry. */
  registry: Address;
}

const KINDS: readonly MessageKind[] = ["endpoint", "name", "revocation"];
/** Gossip topics: one for each first byte of a service's hash. */
const TOPICS = 256;
/** Bytes of a place: a service ID or a name's key. */
const PLACE_BYTES = 32;

/** The protocol of the look-up store. */
export function dhtProtocol(network: NetworkId): string {
  return `${prefixOf(network)}/kad/1.0.0`;
}

/** The topic that messages about a service are pushed on. */
export function topicOf(network: NetworkId, serviceId: Hex): string {
  return `${prefixOf(network)}/${keccak256(serviceId).slice(2, 4)}`;
}

/** All topics of a deployment. */
export function allTopics(network: NetworkId): string[] {
  return Array.from(
    { length: TOPICS },
    (_, byte) => `${prefixOf(network)}/${byte.toString(16).padStart(2, "0")}`,
  );
}

/** What is pushed: a byte that says which kind of message it is, then the message. */
export function encodePush(kind: MessageKind, encoded: Hex): Uint8Array {
  return concatBytes(new Uint8Array([KINDS.indexOf(kind) + 1]), hexToBytes(encoded));
}

/** Reads what was pushed; undefined for a kind that there is not. */
export function decodePush(
  data: Uint8Array,
): { kind: MessageKind; encoded: Uint8Array } | undefined {
  const kind = KINDS[(data[0] ?? 0) - 1];
  return kind && { kind, encoded: data.subarray(1) };
}

/** Namespaces of the look-up store, by the kind of what is in them. */
export const namespaces: Readonly<Record<MessageKind, string>> = {
  endpoint: "bc-endpoint",
  name: "bc-name",
  revocation: "bc-revocation",
};

/** Where the look-up store has something: `/<namespace>/` and 32 bytes. */
export function dhtKey(kind: MessageKind, place: Hex): Uint8Array {
  return concatBytes(new TextEncoder().encode(`/${namespaces[kind]}/`), hexToBytes(place));
}

/** Reads a key of the look-up store; undefined for one that is not ours. */
export function parseDhtKey(key: Uint8Array): { kind: MessageKind; place: Hex } | undefined {
  const place = bytesToHex(key.subarray(-PLACE_BYTES));
  const kind = KINDS.find(
    (one) => key.length > PLACE_BYTES && bytesToHex(dhtKey(one, place)) === bytesToHex(key),
  );
  return kind && { kind, place };
}

function prefixOf({ chainId, registry }: NetworkId): string {
  return `/blockcloud/1/${chainId}/${registry.toLowerCase()}`;
}
