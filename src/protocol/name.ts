import type { Hex } from "viem";
import { bytesToHex, hexToBytes } from "./bytes.ts";
import { BlockcloudError } from "./errors.ts";
import { isLabel } from "./label.ts";
import { parseServiceId } from "./serviceId.ts";

/** The zone of all names; RFC 9476 keeps `.alt` free of the DNS. */
export const ZONE = "bloc.alt";
/** The zone of the names of raw IDs. */
const RAW = `id.${ZONE}`;
/** The alphabet of RFC 4648, in lower case. */
const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";

/** A parsed name: a raw service ID, a service's label, or a name below a label. */
export type Name =
  | { kind: "id"; serviceId: Hex }
  | { kind: "label"; label: string }
  | { kind: "sub"; sub: string; label: string };

/**
 * Parses a name or ID of a service: `0x` and 64 digits, `<label>.bloc.alt`, `<sub>.<label>.bloc.alt`, or
 * `<base32 of the ID>.id.bloc.alt`. Case and a final dot are ignored.
 *
 * @throws BlockcloudError `NAME_INVALID`.
 * @example
 * parseName("roof.weather.bloc.alt"); // { kind: "sub", sub: "roof", label: "weather" }
 */
export function parseName(text: string): Name {
  if (text.length > 255) throw invalidName(text);
  if (/^0x/i.test(text)) return { kind: "id", serviceId: checkedId(text) };
  const name = text.toLowerCase().replace(/\.$/, "");
  if (!name.endsWith(`.${ZONE}`)) throw invalidName(text);
  if (name.endsWith(`.${RAW}`)) {
    const serviceId = decodeBase32(name.slice(0, -RAW.length - 1));
    if (serviceId === undefined) throw invalidName(text);
    return { kind: "id", serviceId: checkedId(serviceId) };
  }
  const labels = name.slice(0, -ZONE.length - 1).split(".");
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
export function rawName(serviceId: Hex): string {
  return `${encodeBase32(hexToBytes(serviceId))}.${RAW}`;
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
    remedy: `Give <label>.${ZONE}, <sub>.<label>.${ZONE}, <base32>.${RAW}, or 0x and 64 hexadecimal digits.`,
  });
}
