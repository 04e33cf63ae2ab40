import { InvalidArgumentError } from "commander";
import { getAddress, isAddress, parseEther, type Address } from "viem";

/** Reads a whole number from a flag. */
export function wholeNumber(minimum: number, maximum: number = Number.MAX_SAFE_INTEGER) {
  return (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < minimum || value > maximum) {
      throw new InvalidArgumentError(`Give a whole number from ${minimum} to ${maximum}.`);
    }
    return value;
  };
}

/** Reads an amount of BLOC from a flag, as wei. */
export function blocAmount(text: string): bigint {
  if (!/^\d{1,11}(\.\d{1,18})?$/.test(text)) {
    throw new InvalidArgumentError("Give an amount of BLOC, for example 1000 or 12.5.");
  }
  return parseEther(text);
}

/** Reads a service number from a flag. */
export function serviceNumber(text: string): bigint {
  if (!/^\d{1,11}$/.test(text) || BigInt(text) === 0n) {
    throw new InvalidArgumentError("Give a service number, from 1.");
  }
  return BigInt(text);
}

/** Reads an http or https URL from a flag. */
export function httpUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username + url.password !== "") {
    throw new InvalidArgumentError("Give an http:// or https:// URL without credentials.");
  }
  return url;
}

/** Reads the URLs of a flag that can be repeated, or of a variable with commas between them. */
export function urlList(text: string, previous: readonly string[] = []): string[] {
  return [...previous, ...text.split(",").map((url) => url.trim())];
}

/** Reads an address from a flag. */
export function address(text: string): Address {
  if (!isAddress(text, { strict: false })) {
    throw new InvalidArgumentError("Give an address: 0x and 40 hexadecimal digits.");
  }
  return getAddress(text);
}

/** Reads `host:port` from a flag. */
export function hostAndPort(text: string): { host: string; port: number } {
  const [, host = "", port = ""] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  if (host === "" || Number(port) > 65_535) {
    throw new InvalidArgumentError("Give host:port, for example 0.0.0.0:8080.");
  }
  return { host: host.replace(/^\[|\]$/g, ""), port: Number(port) };
}
