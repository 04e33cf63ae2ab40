import type { Hex } from "viem";
import { bytesToHex, hexToBytes } from "./bytes.ts";
import { BlockcloudError } from "./errors.ts";
import { isLabel } from "./label.ts";
import { parseServiceId } from "./serviceId.ts";

/** The zone of all names; RFC 9476 keeps `.alt` free of the DNS. */
export const ZONE = "bloc.alt";
/**
 * The zones in which each name exists. `bloc.internal` is for systems whose resolver refuses every name under `alt`;
 * ICANN keeps `internal` free of the public DNS.
 */
export const ZONES = [ZONE, "bloc.internal"] as const;
export type Zone = (typeof ZONES)[number];
/** The label below which raw IDs have their names. */
const RAW = "id";
/** The alphabet of RFC 4648, in lower case. */
const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";

/** A parsed name: a raw service ID, a service's label, or a name below a label. */
export type Name =
  | { kind: "id"; serviceId: Hex }
  | { kind: "label"; label: string }
  | { kind: "sub"; sub: string; label: string };

/**
 * Parses a name or ID of a service: `0x` and 64 digits, `<label>.bloc.alt`, `<sub>.<label>.bloc.alt`, or
 * `<base32 of the ID>.id.bloc.alt`. Case and a final dot are ignored, and `bloc.internal` means the same as `bloc.alt`.
 *
 * @throws BlockcloudError `NAME_INVALID`.
 * @example
 * parseName("roof.weather.bloc.alt"); // { kind: "sub", sub: "roof", label: "weather" }
 */
export function parseName(text: string): Name {
  if (text.length > 255) throw invalidName(text);
  if (/^0x/i.test(text)) return { kind: "id", serviceId: checkedId(text) };
  const name = text.toLowerCase().replace(/\.$/, "");
  const zone = ZONES.find((each) => name.endsWith(`.${each}`));
  if (zone === undefined) throw invalidName(text);
  const inner = name.slice(0, -zone.length - 1);
  if (inner.endsWith(`.${RAW}`)) {
    const serviceId = decodeBase32(inner.slice(0, -RAW.length - 1));
    if (serviceId === undefined) throw invalidName(text);
    return { kind: "id", serviceId: checkedId(serviceId) };
  }
  const labels = inner.split(".");
  if (!labels.every(isLabel) || labels.length > 2) throw invalidName(text);
  const [first = "", second] = labels;
  return second === undefined
    ? { kind: "label", label: first }
    : { kind: "sub", sub: first, label: second };
}

/**
 * The name of a raw ID: 52 characters of base32 (RFC 4648, lower case, without padding) under `id.bloc.alt`.
 *
 * @example
 * rawName(rootServiceId(7n)); // 52 characters, and ".id.bloc.alt"
 */
export function rawName(serviceId: Hex, zone: Zone = ZONE): string {
  return `${encodeBase32(hexToBytes(serviceId))}.${RAW}.${zone}`;
}

/**
 * The one spelling of a name: in lower case, without a final dot, under `bloc.alt`; an ID in digits stays one.
 *
 * @throws BlockcloudError `NAME_INVALID`.
 * @example
 * canonicalName("Roof.Weather.bloc.internal."); // "roof.weather.bloc.alt"
 */
export function canonicalName(text: string): string {
  const name = parseName(text);
  if (name.kind === "id") return /^0x/i.test(text) ? name.serviceId : rawName(name.serviceId);
  return name.kind === "sub" ? `${name.sub}.${name.label}.${ZONE}` : `${name.label}.${ZONE}`;
}

/** Whether a host is in one of the zones, as a valid name or not; `name` is in lower case, without a final dot. */
export function isInZones(name: string): boolean {
  return ZONES.some((zone) => name === zone || name.endsWith(`.${zone}`));
}

function checkedId(text: string): Hex {
  try {
    parseServiceId(text);
  } catch (cause) {
    throw invalidName(text, cause);
  }
  return text.toLowerCase() as Hex;
}

function encodeBase32(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET.charAt((value >> bits) & 31);
    }
  }
  return bits === 0 ? text : text + ALPHABET.charAt((value << (5 - bits)) & 31);
}

/**
 * Decodes 32 bytes of lower-case base32; undefined for any other text, and for encodings that are not
 * canonical.
 */
function decodeBase32(text: string): Hex | undefined {
  if (!/^[a-z2-7]{52}$/.test(text)) return undefined;
  const bytes = new Uint8Array(32);
  let bits = 0;
  let value = 0;
  let length = 0;
  for (const character of text) {
    value = ((value << 5) | ALPHABET.indexOf(character)) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes[length] = (value >> bits) & 0xff;
    length += 1;
  }
  const unused = value & ((1 << bits) - 1);
  return unused === 0 ? bytesToHex(bytes) : undefined;
}

function invalidName(text: string, cause?: unknown): BlockcloudError {
  return new BlockcloudError("NAME_INVALID", `Not a name: ${text.slice(0, 80)}.`, {
    cause,
    remedy: `Give <label>.${ZONE}, <sub>.<label>.${ZONE}, <base32>.${RAW}.${ZONE}, or 0x and 64 hexadecimal digits.`,
  });
}
