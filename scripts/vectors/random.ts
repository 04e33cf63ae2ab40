import { bytesToHex, keccak } from "../../src/protocol/bytes.ts";
import { getAddress, type Address, type Hex } from "viem";

/** A reproducible stream of values: counter-mode Keccak of a seed. */
export class Random {
  readonly #seed: string;
  #counter = 0;

  constructor(seed: string) {
    this.#seed = seed;
  }

  /** At most 32 bytes. */
  bytes(length: number): Uint8Array {
    const block = keccak(new TextEncoder().encode(`${this.#seed}/${this.#counter++}`));
    return block.slice(0, length);
  }

  hash(): Hex {
    return bytesToHex(this.bytes(32));
  }

  address(): Address {
    return getAddress(bytesToHex(this.bytes(20)));
  }

  /** A number below `bound`; the bias of 64 bits does not matter in a vector. */
  below(bound: number): number {
    return Number(BigInt(bytesToHex(this.bytes(8))) % BigInt(bound));
  }

  /** An integer of at most `bits` bits. */
  uint(bits: number): bigint {
    return BigInt(this.hash()) >> BigInt(256 - bits);
  }
}

/** `length` values. */
export function times<T>(length: number, make: (index: number) => T): T[] {
  return Array.from({ length }, (_, index) => make(index));
}

/** A column for `vm.parseJsonUintArray`: decimal strings, because JSON numbers are exact only up to 2^53. */
export function decimals(values: readonly (bigint | number)[]): string[] {
  return values.map(String);
}
