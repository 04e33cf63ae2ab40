import { bytesToHex } from "../../src/protocol/bytes.ts";
import { HashChain } from "../../src/protocol/hashChain.ts";
import { encodeHeader, epochSeed } from "../../src/protocol/header.ts";
import {
  drawKey,
  drawnWeight,
  expectedWeight,
  inspectionNonce,
} from "../../src/protocol/sortition.ts";
import { publicHeaders } from "./headers.ts";
import { decimals, times, type Random } from "./random.ts";

/** Secrets of a hash chain, and their distance from the tip in hashes. */
export function hashChainVectors(random: Random) {
  const key = random.bytes(32);
  const scope = { chainId: 31_337n, contract: random.address(), chainNumber: 3 };
  const length = 600;
  const anchor = 41;
  const chain = new HashChain(key, scope, length);
  const steps = [1, 2, 3, 24, 255, 511, 512, length];
  return {
    key: bytesToHex(key),
    chainId: Number(scope.chainId),
    contract: scope.contract,
    chainNumber: scope.chainNumber,
    length,
    anchor,
    tip: chain.tip,
    epoch: decimals(steps.map((step) => anchor + step)),
    steps: decimals(steps),
    secret: steps.map((step) => chain.secret(anchor + step, anchor)),
  };
}

/** Headers of public blocks, and their seeds. */
export function seedVectors(random: Random) {
  const headers = Object.values(publicHeaders);
  const proofOfService = random.address();
  const chainIds = headers.map((_, i) => [1n, 11_155_111n][i] ?? 31_337n);
  const epochs = headers.map((_, i) => [0, 4_294_967_295][i] ?? 7);
  return {
    proofOfService,
    name: Object.keys(publicHeaders),
    rlp: headers.map(encodeHeader),
    hash: headers.map((header) => header.hash),
    parentHash: headers.map((header) => header.parentHash),
    number: decimals(headers.map((header) => BigInt(header.number))),
    timestamp: decimals(headers.map((header) => BigInt(header.timestamp))),
    prevrandao: headers.map((header) => header.mixHash),
    chainId: decimals(chainIds),
    epoch: decimals(epochs),
    seed: headers.map((header, i) =>
      epochSeed(header.mixHash, epochs[i] ?? 0, chainIds[i] ?? 0n, proofOfService),
    ),
  };
}

/** Draws: `shardsPerDraw` shards for each auditor, weights row by row. */
export function sortitionVectors(random: Random) {
  const unit = 10n ** 18n;
  // Stakes from 0 to more than the total: the cap of 15, whole numbers, and fractions of all sizes.
  const stakes: [bigint, bigint][] = [
    [0n, 1n],
    [1n, 10n ** 28n],
    [5_000n * unit, 1_000_000n * unit],
    [1n, 7n],
    [1n, 14n],
    [1n, 3n],
    [2n, 7n],
    [123_456n * unit + 1n, 345_678n * unit + 3n],
    [1n, 1n],
    [15n, 7n],
    [16n, 7n],
    [(1n << 96n) - 1n, 1n],
    [(1n << 96n) - 1n, (1n << 96n) - 1n],
  ];
  const shards = [0, 1, 2, 3, 14, 15, 255, 256, 65_535, 65_536, 4_294_967_294];
  const draws = stakes.map(([stake, total]) => {
    const [seed, secret, auditor] = [random.hash(), random.hash(), random.address()];
    const y = drawKey(seed, secret, auditor);
    return { seed, secret, auditor, y, stake, total, expected: expectedWeight(stake, total) };
  });
  return {
    seed: draws.map((draw) => draw.seed),
    secret: draws.map((draw) => draw.secret),
    auditor: draws.map((draw) => draw.auditor),
    y: draws.map((draw) => draw.y),
    stake: decimals(draws.map((draw) => draw.stake)),
    total: decimals(draws.map((draw) => draw.total)),
    expected: decimals(draws.map((draw) => draw.expected)),
    shard: decimals(shards),
    weight: decimals(
      draws.flatMap(({ y, expected }) => shards.map((shard) => drawnWeight(y, shard, expected))),
    ),
  };
}

/** Nonces that auditors send. */
export function nonceVectors(random: Random) {
  const inputs = times(6, (i) => ({
    y: random.hash(),
    number: [1n, (1n << 64n) - 1n][i] ?? random.uint(40),
    salt: random.hash(),
  }));
  return {
    y: inputs.map((input) => input.y),
    number: decimals(inputs.map((input) => input.number)),
    salt: inputs.map((input) => input.salt),
    nonce: inputs.map((input) => inspectionNonce(input.y, input.number, input.salt)),
  };
}
