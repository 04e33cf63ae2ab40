import { expect } from "chai";
import { AbiCoder, keccak256, TypedDataEncoder } from "ethers";
import fc from "fast-check";
import { size, type Hex } from "viem";
import { bytesToHex, concatBytes, hexToBytes, word } from "../../src/protocol/bytes.ts";
import {
  challengeDigest,
  challengeQuestion,
  livenessProof,
  livenessSigner,
} from "../../src/protocol/challenge.ts";
import { ReceiptSigner } from "../../src/protocol/receipt.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { blockcloudDomain, domainSeparator, typedData } from "../../src/protocol/typedData.ts";
import { hash, privateKey } from "../support/arbitraries.ts";
import vectors from "../vectors/challenge.json" with { type: "json" };

const domain = blockcloudDomain(BigInt(vectors.chainId), vectors.registry as Hex);
const number = fc.bigInt({ min: 0n, max: (1n << 256n) - 1n });

describe("challenges", () => {
  it("meet the vectors", () => {
    expect(domainSeparator(domain)).to.equal(vectors.domainSeparator);
    expect(vectors.challenge.length).to.be.at.least(10);
    for (const [i, text] of vectors.challenge.entries()) {
      const question = challengeQuestion(vectors.seed[i] as Hex, BigInt(text));
      expect(question, `question ${i}`).to.equal(vectors.question[i]);
      const digest = challengeDigest(domain, BigInt(text), question);
      expect(bytesToHex(digest), `digest ${i}`).to.equal(vectors.digest[i]);
      const signer = livenessSigner(domain, question, vectors.proof[i] as Hex);
      expect(signer, `proof ${i}`).to.equal(vectors.key[i]);
    }
    for (const [i, proof] of vectors.badProof.entries()) {
      const signer = livenessSigner(domain, vectors.badQuestion as Hex, proof as Hex);
      expect(signer, `refused ${i}`).not.to.equal(vectors.badKey[i]);
    }
  });

  it("ask and are signed as ethers has it", () => {
    const types = { ChallengeResponse: [...typedData.ChallengeResponse] };
    fc.assert(
      fc.property(hash, number, (seed, challenge) => {
        const question = challengeQuestion(seed, challenge);
        const encoded = AbiCoder.defaultAbiCoder().encode(
          ["bytes32", "uint256"],
          [seed, challenge],
        );
        expect(question).to.equal(keccak256(encoded));
        const digest = TypedDataEncoder.hash(domain, types, { challenge, nonce: question });
        expect(bytesToHex(challengeDigest(domain, challenge, question))).to.equal(digest);
      }),
    );
  });

  it("are answered by 97 bytes that name the key, for one question and one challenge", () => {
    fc.assert(
      fc.property(hash, hash, number, privateKey, (question, other, challenge, key) => {
        fc.pre(question !== other);
        const proof = livenessProof(domain, challenge, question, key);
        const signer = addressOfKey(key);
        expect(size(proof)).to.equal(97);
        expect(livenessSigner(domain, question, proof)).to.equal(signer);
        expect(livenessSigner(domain, other, proof)).not.to.equal(signer);
        const renumbered = concatBytes(word(challenge ^ 1n), hexToBytes(proof).subarray(32));
        expect(livenessSigner(domain, question, bytesToHex(renumbered))).not.to.equal(signer);
      }),
    );
  });

  it("are not answered in another deployment's domain", () => {
    const elsewhere = blockcloudDomain(1n, domain.verifyingContract);
    const key = hexToBytes(`0x${"11".repeat(32)}`);
    const question: Hex = `0x${"22".repeat(32)}`;
    const proof = livenessProof(elsewhere, 5n, question, key);
    expect(livenessSigner(domain, question, proof)).not.to.equal(addressOfKey(key));
  });

  it("are not answered by a receipt, whatever nonce a client had it signed over", () => {
    fc.assert(
      fc.property(hash, hash, number, privateKey, (serviceId, channel, challenge, key) => {
        const nonce = challengeQuestion(serviceId, challenge);
        const receipt = new ReceiptSigner(domain).sign(
          { serviceId, nonce, channel, issuedAt: 1n },
          key,
        );
        const proof = bytesToHex(concatBytes(word(challenge), hexToBytes(receipt.signature)));
        expect(livenessSigner(domain, nonce, proof)).not.to.equal(addressOfKey(key));
      }),
    );
  });
});
