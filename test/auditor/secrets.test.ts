import { expect } from "chai";
import { keccak256, sliceHex, type Hex } from "viem";
import { auditorChain, chainKey, Secrets } from "../../src/auditor/secrets.ts";
import { ZERO_HASH } from "../../src/protocol/bytes.ts";
import { HASH_CHAIN_LENGTH } from "../../src/protocol/hashChain.ts";
import { AUDITOR } from "../support/auditorRig.ts";
import { DEPLOYMENT, FakeChain } from "../support/fakeChain.ts";
import { rejection } from "../support/rejection.ts";

const KEY: Hex = `0x${"0b".repeat(32)}`;
const OPERATOR = "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720";
const chain = auditorChain(KEY, DEPLOYMENT, 0);

describe("Secrets", () => {
  let fake: FakeChain;
  let secrets: Secrets;

  beforeEach(() => {
    fake = new FakeChain();
    const options = {
      auditor: AUDITOR,
      operatorKey: KEY,
      deployment: DEPLOYMENT,
      maxChains: 3,
    } as const;
    secrets = new Secrets(options, fake.client);
  });

  /** What the contract knows: the last element shown and its epoch, and a tip that waits. */
  function enrolled(element: Hex, epoch: number, pending: Hex = ZERO_HASH, since = 0): void {
    fake.answers.auditorOf = () => [OPERATOR, sliceHex(element, 0, 24), epoch, pending, since];
  }

  it("has none where the auditor never enrolled", async () => {
    enrolled(ZERO_HASH, 0);
    expect(await secrets.secret(10)).to.equal(undefined);
  });

  it("has none before the first tip is usable", async () => {
    enrolled(ZERO_HASH, 0, chain.tip, 12);
    expect(await secrets.secret(11)).to.equal(undefined);
  });

  it("begins right below a tip that became usable", async () => {
    enrolled(ZERO_HASH, 0, chain.tip, 12);
    const first = (await secrets.secret(12))!;
    expect(keccak256(first)).to.equal(chain.tip);
    expect(keccak256((await secrets.secret(13))!)).to.equal(first);
  });

  it("goes on from the tip once the contract has promoted it", async () => {
    enrolled(ZERO_HASH, 0, chain.tip, 12);
    const pending = await secrets.secret(15);
    enrolled(chain.tip, 11);
    expect(await secrets.secret(15)).to.equal(pending);
  });

  it("goes on from the last element shown: the secret stays bound to its epoch", async () => {
    enrolled(chain.tip, 11);
    const [at20, at25] = [(await secrets.secret(20))!, await secrets.secret(25)];
    enrolled(at20, 20);
    expect(await secrets.secret(25)).to.equal(at25);
    expect(await secrets.secret(21)).not.to.equal(at25);
  });

  it("serves the old chain until the new tip counts", async () => {
    const next = auditorChain(KEY, DEPLOYMENT, 1);
    enrolled(chain.tip, 11, next.tip, 20);
    expect(await secrets.secret(19)).to.equal(chain.secret(19, 11));
    expect(await secrets.secret(20)).to.equal(next.secret(20, 19));
  });

  it("knows that another key made the chain", async () => {
    enrolled(auditorChain(`0x${"0c".repeat(32)}`, DEPLOYMENT, 0).tip, 11);
    const error = await rejection("HASH_CHAIN_UNKNOWN", secrets.secret(12));
    expect(error.message).to.contain(AUDITOR);
    expect(error.retryable).to.equal(false);
  });

  it("says when the chain is used up", async () => {
    enrolled(chain.tip, 11);
    await secrets.secret(11 + HASH_CHAIN_LENGTH);
    await rejection("HASH_CHAIN_EXHAUSTED", secrets.secret(12 + HASH_CHAIN_LENGTH));
  });

  it("makes another chain for each number, key and deployment", () => {
    const elsewhere = { ...DEPLOYMENT, chainId: 1 };
    const tips = [
      chain.tip,
      auditorChain(KEY, DEPLOYMENT, 1).tip,
      auditorChain(`0x${"0c".repeat(32)}`, DEPLOYMENT, 0).tip,
      auditorChain(KEY, elsewhere, 0).tip,
    ];
    expect(new Set(tips).size).to.equal(tips.length);
    expect(Buffer.from(chainKey(KEY)).toString("hex")).not.to.equal(KEY.slice(2));
  });
});
