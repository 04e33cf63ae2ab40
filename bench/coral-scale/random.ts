import { createHash } from "node:crypto";

/** Random numbers from a seed: the same seed gives the same numbers on every machine. */
export interface Random {
  /** A whole number from 0 up to, not including, `bound`. */
  below(bound: number): number;
  /** A number from 0 up to, not including, 1. */
  unit(): number;
}

/** The generator sfc32 (Doty-Humphrey, PractRand), its state taken from the SHA-256 of the seed. */
export function seeded(seed: string): Random {
  const state = createHash("sha256").update(seed).digest();
  let a = state.readInt32LE(0);
  let b = state.readInt32LE(4);
  let c = state.readInt32LE(8);
  let counter = 1;
  const next = (): number => {
    const value = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + value;
    return value >>> 0;
  };
  // The first draws still depend visibly on the seed.
  for (let round = 0; round < 12; round += 1) next();
  const unit = () => next() / 2 ** 32;
  return { unit, below: (bound) => Math.floor(unit() * bound) };
}
