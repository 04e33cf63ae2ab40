import { expect } from "chai";
import { numberToHex } from "viem";
import { blockAt } from "../../src/chain/blocks.ts";
import { AnswerError } from "../../src/chain/rpc/faults.ts";
import { FakeChain } from "../support/fakeChain.ts";
import { rejection } from "../support/rejection.ts";

const HEAD = 1_000_000n;
const BLOCK_SECONDS = 12;

describe("blockAt", () => {
  let chain: FakeChain;
  let asked: number[];
  /** The oldest block that the endpoint keeps, and the newest that it knows. */
  let oldest: number;
  let newest: number;
  let absence: () => null;

  beforeEach(() => {
    chain = new FakeChain();
    asked = [];
    [oldest, newest] = [0, Number(HEAD)];
    absence = () => null;
    chain.block = (tag) => {
      const number = Number(tag);
      asked.push(number);
      if (number < oldest || number > newest) return absence();
      return { number: tag, timestamp: numberToHex(number * BLOCK_SECONDS) };
    };
  });

  const find = (seconds: number, from = 0n) => blockAt(chain.client, seconds, { from, to: HEAD });

  for (const block of [HEAD, HEAD - 1n, HEAD - 2n, HEAD - 299n, 700_000n, 1n, 0n]) {
    it(`finds block ${block} by its time and by the moment before`, async () => {
      const time = Number(block) * BLOCK_SECONDS;
      expect(await find(time)).to.equal(block);
      expect(await find(time - 1)).to.equal(block);
    });
  }

  it("gives the range's ends where all are older, or none is", async () => {
    expect(await find(Number(HEAD) * BLOCK_SECONDS + 1)).to.equal(HEAD);
    expect(await find(0, 5n)).to.equal(5n);
    expect(await blockAt(chain.client, 0, { from: 7n, to: 7n })).to.equal(7n);
  });

  it("asks for nothing that is twice as old as what it looks for", async () => {
    await find((Number(HEAD) - 300) * BLOCK_SECONDS);
    expect(Math.min(...asked)).to.be.at.least(Number(HEAD) - 600);
    expect(asked.length).to.be.lessThan(20);
  });

  for (const [what, refuse] of [
    ["null", () => null],
    [
      "error 4444",
      () => {
        throw new AnswerError({ code: 4444, message: "pruned history unavailable" });
      },
    ],
  ] as const) {
    it(`finds what it can where old blocks are gone (${what})`, async () => {
      absence = refuse;
      oldest = Number(HEAD) - 500;
      expect(await find((Number(HEAD) - 300) * BLOCK_SECONDS)).to.equal(HEAD - 300n);
      expect(await find((Number(HEAD) - 9_000) * BLOCK_SECONDS), "the oldest").to.equal(
        HEAD - 500n,
      );
    });
  }

  it("takes an endpoint that does not know the newest blocks yet for no pruned one", async () => {
    newest = Number(HEAD) - 3;
    const error = await rejection("BLOCK_MISSING", find(0));
    expect(error.retryable).to.equal(true);
  });
});
