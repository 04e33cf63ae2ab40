import { zeroAddress, type Hex } from "viem";
import { bytesToHex, concatBytes, hexToBytes, word } from "../../src/protocol/bytes.ts";
import {
  challengeDigest,
  challengeQuestion,
  livenessProof,
  livenessSigner,
} from "../../src/protocol/challenge.ts";
import { isLabel, labelCommitment } from "../../src/protocol/label.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { blockcloudDomain, domainSeparator } from "../../src/protocol/typedData.ts";
import { decimals, times, type Random } from "./random.ts";

const MAX_WORD = (1n << 256n) - 1n;

/** Questions and answers of challenges, and invalid answers. */
export function challengeVectors(random: Random) {
  const chainId = 11_155_111n;
  const registry = random.address();
  const domain = blockcloudDomain(chainId, registry);
  const answer = (challenge: bigint) => {
    const seed = random.hash();
    const question = challengeQuestion(seed, challenge);
    const key = random.bytes(32);
    const proof = livenessProof(domain, challenge, question, key);
    return { challenge, seed, question, key: addressOfKey(key), proof };
  };
  const one = answer(random.uint(40));
  const other = answer(random.uint(40));
  const good = [
    one,
    other,
    answer(1n),
    answer(MAX_WORD),
    ...times(8, () => answer(random.uint(256))),
  ];
  const { challenge, question, key, proof } = one;
  const bytes = hexToBytes(proof);
  const v = bytes.at(-1) ?? 0;
  const changed = (at: number, change: (byte: number) => number) =>
    bytesToHex(bytes.map((byte, index) => (index === at ? change(byte) : byte)));
  const bad: { proof: Hex; key: Hex }[] = [
    { proof: "0x", key },
    { proof: bytesToHex(bytes.subarray(0, 96)), key },
    { proof: bytesToHex(concatBytes(bytes, new Uint8Array(1))), key },
    // The signature alone, and a whole proof for another challenge.
    { proof: bytesToHex(bytes.subarray(32)), key },
    { proof: bytesToHex(concatBytes(word(challenge + 1n), bytes.subarray(32))), key },
    { proof: changed(40, (byte) => byte ^ 1), key },
    { proof: changed(96, () => 0), key },
    { proof: changed(96, () => 55 - v), key },
    { proof: changed(96, () => v - 27), key },
    { proof: bytesToHex(highS(bytes, v)), key },
    { proof: bytesToHex(concatBytes(word(challenge), new Uint8Array(65))), key },
    { proof, key: other.key },
    { proof: other.proof, key },
    // A zero key accepts no signature, not even one that recovers the zero address.
    { proof: changed(96, () => 0), key: zeroAddress },
  ];
  for (const item of bad) {
    if (livenessSigner(domain, question, item.proof) !== item.key) continue;
    throw new Error(`This proof is good: ${item.proof}`);
  }
  return {
    chainId: Number(chainId),
    registry,
    domainSeparator: domainSeparator(domain),
    challenge: decimals(good.map((item) => item.challenge)),
    seed: good.map((item) => item.seed),
    question: good.map((item) => item.question),
    digest: good.map((item) => bytesToHex(challengeDigest(domain, item.challenge, item.question))),
    key: good.map((item) => item.key),
    proof: good.map((item) => item.proof),
    badQuestion: question,
    badKey: bad.map((item) => item.key),
    badProof: bad.map((item) => item.proof),
  };
}

/** The twin of a proof's signature with the upper `s`. */
function highS(proof: Uint8Array, v: number): Uint8Array {
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  const s = BigInt(bytesToHex(proof.subarray(64, 96)));
  const twin = proof.slice();
  twin.set(word(order - s), 64);
  twin[96] = 55 - v;
  return twin;
}

/** Labels with their validity in the contracts, and commitments. */
export function labelVectors(random: Random) {
  const long = (length: number) => "a".repeat(length);
  const labels = [
    ..."a,0,z9,weather,a-b,a--b,ab-c,a-b--c,id,ids,xid,0-0,1--,x--a,xn--a,ab--,ab--c,abc--d".split(
      ",",
    ),
    ...[long(2), long(62), long(63), long(64), long(65), `${long(61)}-b`, `${long(62)}-`],
    ...["", "-", "--", "---", "-a", "a-", "A", "Ab", "aB", "a.b", "a_b", "a b", " a", "a ", "a\n"],
    ...[
      "\u0000",
      "a\u0000",
      "\u007f",
      "\u00e9",
      "a\u0301",
      "\u0430",
      "ID",
      "Id",
      "@",
      "[",
      "`",
      "{",
      "/",
      ":",
    ],
    ...times(12, () => randomLabel(random)),
  ];
  const commitments = labels.map((label) => ({
    label,
    owner: random.address(),
    salt: random.hash(),
  }));
  return {
    label: labels.map((label) => bytesToHex(new TextEncoder().encode(label))),
    valid: labels.map(isLabel),
    owner: commitments.map(({ owner }) => owner),
    salt: commitments.map(({ salt }) => salt),
    commitment: commitments.map(({ label, owner, salt }) => labelCommitment(label, owner, salt)),
  };
}

function randomLabel(random: Random): string {
  const alphabet = "ab09-";
  return times(1 + random.below(8), () => alphabet.charAt(random.below(alphabet.length))).join("");
}
