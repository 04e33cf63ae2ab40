import { isIPv6 } from "node:net";
import { getAddress, isAddress, parseEther, parseGwei, type Address, type Hex } from "viem";
import * as z from "zod";
import { BlockcloudError } from "../../protocol/errors.ts";
import { parseServiceId } from "../../protocol/serviceId.ts";

/** Schemas for the text values of flags, environment variables and the configuration file. */

/** A schema from a function; a value that it cannot read gives the message. */
export const refine = <T>(
  read: (text: string) => T | undefined,
  message: string,
): z.ZodType<T, string> =>
  z.string().transform((text, context): T => {
    const value = read(text);
    if (value !== undefined) return value;
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  });

/** Any text up to a length limit. */
export const anyText = z.string().max(4096, "Give at most 4096 characters.");

/** A whole number within bounds. */
export function wholeNumber(minimum: number, maximum: number = Number.MAX_SAFE_INTEGER) {
  return refine((text) => {
    const value = Number(text);
    return /^\d+$/.test(text) && value >= minimum && value <= maximum ? value : undefined;
  }, `Give a whole number from ${minimum} to ${maximum}.`);
}

/** An amount of BLOC, as wei. */
export const blocAmount = refine(
  (text) => (/^\d{1,11}(\.\d{1,18})?$/.test(text) ? parseEther(text) : undefined),
  "Give an amount of BLOC, for example 1000 or 12.5.",
);

/** An amount of ether, as wei. */
export const etherAmount = refine(
  (text) => (/^\d{1,9}(\.\d{1,18})?$/.test(text) ? parseEther(text) : undefined),
  "Give an amount of ether, for example 0.01.",
);

/** Whole percent, may be negative. */
export const percent = refine((text) => {
  const value = Number(text);
  return /^-?\d{1,6}$/.test(text) && value >= -100 ? value : undefined;
}, "Give whole percent from -100, for example 20.");

/** A price of gas in gwei, as wei. */
export const gweiAmount = refine(
  (text) => (/^\d{1,9}(\.\d{1,9})?$/.test(text) ? parseGwei(text) : undefined),
  "Give a price in gwei, for example 30 or 0.05.",
);

const UNITS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A duration, as milliseconds. */
export const duration = refine(
  (text) => millisecondsOf(text),
  "Give a duration, for example 30d, 12h, 10m or 45s.",
);

/** A duration within bounds, both texts of durations, as milliseconds. */
function durationWithin(least: string, most: string) {
  return refine((text) => {
    const milliseconds = millisecondsOf(text) ?? 0;
    const isWithin =
      milliseconds >= (millisecondsOf(least) ?? 0) && milliseconds <= (millisecondsOf(most) ?? 0);
    return isWithin ? milliseconds : undefined;
  }, `Give a duration from ${least} to ${most}, for example 5m.`);
}

/** How long an old gateway stays open: at most as long as an announcement on chain may name its address. */
export const drainTime = durationWithin("1s", "24h");

function millisecondsOf(text: string): number | undefined {
  const [, count = "", unit = ""] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const milliseconds = Number(count) * (UNITS[unit] ?? 0);
  return milliseconds > 0 ? milliseconds : undefined;
}

/** A service by its label, until the chain has said its number. */
export class ServiceLabel {
  readonly label: string;

  constructor(label: string) {
    this.label = label;
  }
}

/**
 * A service by number, ID, label or name. A label stands for the number that the chain says; commands get the
 * number.
 */
export const serviceNamed = refine<bigint>(
  (text) => serviceNumber.safeParse(text).data ?? rootOf(text) ?? labelOf(text),
  "Give a service by its number, from 1, its label or its ID.",
);

function rootOf(text: string): bigint | undefined {
  if (!/^0x/i.test(text)) return undefined;
  try {
    const { prefix, self } = parseServiceId(text);
    return BigInt(self) === 0n ? prefix : undefined;
  } catch (error) {
    if (error instanceof BlockcloudError) return undefined;
    throw error;
  }
}

function labelOf(text: string): bigint | undefined {
  const [, label] = /^(?!0x|\d+$)([a-z0-9-]{1,63})(?:\.bloc\.alt\.?)?$/i.exec(text) ?? [];
  return label === undefined
    ? undefined
    : (new ServiceLabel(label.toLowerCase()) as unknown as bigint);
}

/** A service number. */
export const serviceNumber = refine(
  (text) => (/^\d{1,11}$/.test(text) && BigInt(text) > 0n ? BigInt(text) : undefined),
  "Give a service number, from 1.",
);

/** An http or https URL without credentials. */
export const httpUrl = refine((text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain = url !== undefined && /^https?:$/.test(url.protocol);
  return plain && url.username + url.password === "" ? url : undefined;
}, "Give an http:// or https:// URL without credentials.");

/** An RPC endpoint. Its path may contain an API key, so it is never printed. */
export const rpcUrl = refine((text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && /^https?:$/.test(url.protocol) ? url.href : undefined;
}, "Give an http:// or https:// URL.");

/** A WebSocket endpoint; it may contain an API key, too. */
export const webSocketUrl = refine((text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && /^wss?:$/.test(url.protocol) ? url.href : undefined;
}, "Give a ws:// or wss:// URL.");

/** An interval between polls, in seconds with decimals. */
export const pollSeconds = refine((text) => {
  const seconds = /^\d{1,4}(\.\d{1,3})?$/.test(text) ? Number(text) : NaN;
  return seconds >= 0.1 && seconds <= 600 ? seconds : undefined;
}, "Give a number of seconds from 0.1 to 600.");

/** A service ID. */
export const serviceIdText = refine<Hex>((text) => {
  try {
    parseServiceId(text);
    return text.toLowerCase() as Hex;
  } catch (error) {
    if (error instanceof BlockcloudError) return undefined;
    throw error;
  }
}, "Give a service ID: 0x and 64 hexadecimal digits.");

/** Hexadecimal bytes in any case; a final newline is allowed. */
export const hexText = refine<Hex>(
  (text) =>
    /^0x([0-9a-f]{2}){1,2048}\s*$/i.test(text) ? (text.trim().toLowerCase() as Hex) : undefined,
  "Give bytes: 0x and hexadecimal digits.",
);

/** An address: in one case, or in the mixed case that is its checksum (EIP-55). */
export const address = refine<string>(
  (text) => (isAddress(text, { strict: false }) ? text : undefined),
  "Give an address: 0x and 40 hexadecimal digits.",
).pipe(
  refine<Address>(
    (text) => (isAddress(text) || !isMixedCase(text) ? getAddress(text) : undefined),
    "The address's checksum is wrong: compare it with the one that is meant, digit by digit.",
  ),
);

function isMixedCase(text: string): boolean {
  return /[a-f]/.test(text) && /[A-F]/.test(text);
}

/** The address of a server. */
export interface Listen {
  host: string;
  port: number;
}

/** `host:port`. An IPv6 address is in brackets, or nothing tells where it ends; an empty host would mean all. */
export const hostAndPort = refine<Listen>((text) => {
  const [, v6, name, port = ""] = /^(?:\[([^\]]+)\]|([\w.-]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = v6 === undefined ? name : isIPv6(v6) ? v6 : undefined;
  if (host === undefined || Number(port) > 65_535) return undefined;
  return { host, port: Number(port) };
}, "Give host:port, for example 0.0.0.0:8080 or [::1]:8080.");

/** `host:port`; or `fd:3` for a socket that listens already, and was passed to the process. */
export const hostAndPortOrFd = refine<Listen & { fd?: number }>((text) => {
  const [, fd] = /^fd:([3-9]|[1-9]\d{1,2})$/.exec(text) ?? [];
  if (fd !== undefined) return { host: "", port: 0, fd: Number(fd) };
  return hostAndPort.safeParse(text).data;
}, "Give host:port, for example 0.0.0.0:8080 or [::1]:8080; or fd:3 for a socket that systemd passes.");

/** `host:port`; `:port` alone means loopback. */
export const portOrHostAndPort = refine<Listen>(
  (text) => hostAndPort.safeParse(text.startsWith(":") ? `127.0.0.1${text}` : text).data,
  "Give host:port or :port, for example 0.0.0.0:8053.",
);

/** One of several words. */
export function oneOf<const W extends readonly [string, ...string[]]>(...words: W) {
  return z.enum(words, { error: `Give one of: ${words.join(", ")}.` });
}

/** A switch: a flag without a value, `true` or `false` elsewhere. */
export const onOff = refine(
  (text) => ({ true: true, "1": true, false: false, "0": false })[text],
  "Give true or false.",
);

/** Several values of one kind. */
export function several<T>(kind: z.ZodType<T, string>) {
  return z.array(kind).max(64, "Give at most 64 values.");
}
