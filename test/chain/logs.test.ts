import { expect } from "chai";
import { UnknownRpcError } from "viem";
import { createChainClient } from "../../src/chain/client.ts";
import {
  isPruned,
  readRanges,
  readServed,
  type BlockRange,
  type RangeOptions,
} from "../../src/chain/logs.ts";
import { AnswerError, EndpointFault, type FaultKind } from "../../src/chain/rpc/faults.ts";
import { failureOf } from "../support/httpClient.ts";
import { RpcProxy } from "../support/rpcProxy.ts";

/** As a client gives it. */
const fault = (kind: FaultKind) => new UnknownRpcError(new EndpointFault(kind, "no"));
const tooMuch = new AnswerError({ code: -32_602, message: "block range is too wide" });

describe("readRanges", () => {
  /** Reads, and gives the pieces that were read, as `from-to`. */
  async function pieces(
    range: BlockRange,
    options: RangeOptions = {},
    refuse: (piece: BlockRange) => Error | undefined = () => undefined,
  ): Promise<string[]> {
    const asked: string[] = [];
    const read = async (piece: BlockRange) => {
      const refusal = refuse(piece);
      if (refusal) throw refusal;
      return asked.push(`${piece.from}-${piece.to}`);
    };
    for await (const { from, to, value } of readRanges(range, read, options)) {
      expect(asked[value - 1]).to.equal(`${from}-${to}`);
    }
    return asked;
  }
  const longerThan = (length: bigint, error: Error) => (piece: BlockRange) =>
    piece.to - piece.from >= length ? error : undefined;

  it("covers the range once, in pieces, in either direction", async () => {
    const range = { from: 5n, to: 14n };
    expect(await pieces(range, { span: 4n })).to.deep.equal(["5-8", "9-12", "13-14"]);
    const backward = await pieces(range, { span: 4n, backward: true });
    expect(backward).to.deep.equal(["11-14", "7-10", "5-6"]);
    expect(await pieces({ from: 5n, to: 4n })).to.deep.equal([]);
    expect(await pieces({ from: 5n, to: 5n })).to.deep.equal(["5-5"]);
  });

  for (const [name, error] of [
    ["a limit", new AnswerError({ code: -32_005, message: "range too large" })],
    ["bad input", new AnswerError({ code: -32_000, message: "more than 10000 results" })],
    ["a code of its own", new AnswerError({ code: -32_701, message: "no" })],
    ["a status", fault("http")],
    ["a limit of its own", fault("limit")],
    ["an answer without an end", fault("malformed")],
    ["no answer in time", fault("timeout")],
  ] as const) {
    it(`asks for less where the endpoint refuses with ${name}`, async () => {
      const found = await pieces({ from: 0n, to: 9n }, { span: 8n }, longerThan(3n, error));
      expect(found[0]).to.equal("0-1");
      expect(found).to.have.length(5);
      expect(found.at(-1)).to.match(/-9$/);
    });
  }

  it("asks for more again once it went well for a while", async () => {
    let refusals = 2;
    const refuse = () => (refusals-- > 0 ? tooMuch : undefined);
    const found = await pieces({ from: 0n, to: 20n }, { span: 4n }, refuse);
    const single = Array.from({ length: 8 }, (_, block) => `${block}-${block}`);
    const double = Array.from({ length: 6 }, (_, index) => `${8 + 2 * index}-${9 + 2 * index}`);
    expect(found).to.deep.equal([...single, ...double, "20-20"]);
  });

  it("gives up where a single block is refused, and at once where size is no reason", async () => {
    let asked = 0;
    const always = (error: Error) => () => {
      asked += 1;
      return error;
    };
    const limit = tooMuch;
    const first = failureOf(pieces({ from: 0n, to: 7n }, { span: 8n }, always(limit)));
    expect(await first).to.equal(limit);
    expect(asked).to.equal(4);
    asked = 0;
    for (const error of [fault("network"), fault("wrong chain"), new Error("a bug")]) {
      const other = failureOf(pieces({ from: 0n, to: 7n }, { span: 8n }, always(error)));
      expect(await other).to.equal(error);
    }
    expect(asked).to.equal(3);
  });

  it("stops where its reader stops, and when it is aborted", async () => {
    const read: bigint[] = [];
    const range = { from: 0n, to: 99n };
    const abort = new AbortController();
    const each = async ({ from }: BlockRange) => read.push(from);
    for await (const { to } of readRanges(range, each, { span: 10n })) if (to === 19n) break;
    expect(read).to.deep.equal([0n, 10n]);
    const stopping = async () => {
      for await (const { to } of readRanges(range, each, { span: 10n, signal: abort.signal })) {
        if (to === 9n) abort.abort(new Error("over"));
      }
    };
    expect((await failureOf(stopping())).message).to.equal("over");
    expect(read).to.have.length(3);
  });

  for (const refusal of [
    { code: -32_005, message: "query returned more than 10000 results" },
    { code: -32_000, message: "exceed maximum block range: 100" },
  ]) {
    it(`reads through an endpoint that answers ${refusal.code} to more than 100 blocks`, async () => {
      const proxy = new RpcProxy("http://127.0.0.1:1");
      const asked: number[] = [];
      proxy.override = ({ method, params }) => {
        if (method !== "eth_getLogs") return { result: "0x1" };
        const [{ fromBlock, toBlock }] = params as [{ fromBlock: string; toBlock: string }];
        const length = Number(toBlock) - Number(fromBlock) + 1;
        if (length > 100) return { error: refusal };
        asked.push(length);
        return { result: [] };
      };
      await proxy.start();
      try {
        const client = createChainClient([proxy.url], 1);
        const read = ({ from, to }: BlockRange) => client.getLogs({ fromBlock: from, toBlock: to });
        for await (const { value } of readRanges({ from: 1n, to: 500n }, read, { span: 200n })) {
          expect(value).to.deep.equal([]);
        }
        expect(asked).to.deep.equal([100, 100, 100, 100, 100]);
      } finally {
        await proxy.stop();
      }
    });
  }
});

describe("readServed", () => {
  const gone = new AnswerError({ code: 4444, message: "pruned history unavailable" });

  /** Reads from an endpoint that has thrown away what is older than a block. */
  async function read(range: BlockRange, oldest: bigint): Promise<[string[], bigint[]]> {
    const pieces: string[] = [];
    const told: bigint[] = [];
    const serve = ({ from }: BlockRange) =>
      from < oldest ? Promise.reject(gone) : Promise.resolve();
    for await (const { from, to } of readServed(range, serve, (block) => told.push(block))) {
      pieces.push(`${from}-${to}`);
    }
    return [pieces, told];
  }

  it("reads all where all is served", async () => {
    expect(await read({ from: 5n, to: 2_500n }, 0n)).to.deep.equal([["5-2004", "2005-2500"], []]);
  });

  it("begins with the oldest block that is served, and says so once", async () => {
    const range = { from: 5n, to: 9_000n };
    expect(await read(range, 7_777n)).to.deep.equal([["7777-9000"], [7_777n]]);
  });

  it("fails where nothing is served", async () => {
    expect(await failureOf(read({ from: 5n, to: 9_000n }, 10_000n))).to.equal(gone);
  });

  it("knows that blocks are gone by the words of several nodes", () => {
    for (const message of ["missing trie node", "history not available", "state was pruned"]) {
      expect(isPruned(new AnswerError({ code: -32_000, message })), message).to.equal(true);
    }
    for (const message of ["header not found", "block range is too wide"]) {
      expect(isPruned(new AnswerError({ code: -32_000, message })), message).to.equal(false);
    }
  });
});
