import { keccak256, type Address, type Hex } from "viem";
import { bytesToHex, concatBytes, hexToBytes } from "../../protocol/bytes.ts";
import type { MessageKind } from "../network.ts";

/** Identifies a deployment: its nodes use these values in the names of topics and protocols. */
export interface NetworkId {
  chainId: number;
  /** Address of the ServiceRegistry. */
  registry: Address;
}

const KINDS: readonly MessageKind[] = ["endpoint", "name", "revocation"];
/** Gossip topics: one for each first byte of a service's hash. */
const TOPICS = 256;
/** Length of a place in bytes: a service ID or a name's key. */
const PLACE_BYTES = 32;

/** The protocol of the lookup store. */
export function dhtProtocol(network: NetworkId): string {
  return `${prefixOf(network)}/kad/1.0.0`;
}

/** The topic for messages about a service. */
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

/** Encodes a pushed message: one byte for its kind, then the message. */
export function encodePush(kind: MessageKind, encoded: Hex): Uint8Array {
  return concatBytes(new Uint8Array([KINDS.indexOf(kind) + 1]), hexToBytes(encoded));
}

/** Decodes a pushed message; undefined for an unknown kind. */
export function decodePush(
  data: Uint8Array,
): { kind: MessageKind; encoded: Uint8Array } | undefined {
  const kind = KINDS[(data[0] ?? 0) - 1];
  return kind && { kind, encoded: data.subarray(1) };
}

/** Namespaces of the lookup store, by kind of message. */
export const namespaces: Readonly<Record<MessageKind, string>> = {
  endpoint: "bc-endpoint",
  name: "bc-name",
  revocation: "bc-revocation",
};

/** The key of a message in the lookup store: `/<namespace>/` and 32 bytes. */
export function dhtKey(kind: MessageKind, place: Hex): Uint8Array {
  return concatBytes(new TextEncoder().encode(`/${namespaces[kind]}/`), hexToBytes(place));
}

/** Parses a key of the lookup store; undefined for a foreign key. */
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
