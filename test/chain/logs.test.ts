import { expect } from "chai";
import {
  HttpRequestError,
  InvalidInputRpcError,
  LimitExceededRpcError,
  TimeoutError,
  UnknownRpcError,
} from "viem";
import { readRanges, type BlockRange, type RangeOptions } from "../../src/chain/logs.ts";
import { failureOf } from "../support/httpClient.ts";

const url = "http://127.0.0.1";
const http = (status: number) => new HttpRequestError({ url, status });

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
    ["a limit", new LimitExceededRpcError(new Error("range too large"))],
    ["bad input", new InvalidInputRpcError(new Error("query returned more than 10000 results"))],
    ["a code of its own", new UnknownRpcError(Object.assign(new Error(), { code: -32_701 }))],
    ["HTTP 413", http(413)],
    ["HTTP 400", http(400)],
    ["no answer in time", new TimeoutError({ url, body: {} })],
  ] as const) {
    it(`asks for less where the endpoint refuses with ${name}`, async () => {
      const found = await pieces({ from: 0n, to: 9n }, { span: 8n }, longerThan(3n, error));
      expect(found[0]).to.equal("0-1");
      expect(found.at(-1)).to.match(/-9$/);
    });
  }

  it("asks for more again once it went well", async () => {
    let refusals = 2;
    const refuse = () => (refusals-- > 0 ? http(413) : undefined);
    const found = await pieces({ from: 0n, to: 15n }, { span: 8n }, refuse);
    expect(found).to.deep.equal(["0-1", "2-5", "6-13", "14-15"]);
  });

  it("gives up where a single block is refused, and at once where size is no reason", async () => {
    let asked = 0;
    const always = (error: Error) => () => {
      asked += 1;
      return error;
    };
    const limit = http(413);
    const first = failureOf(pieces({ from: 0n, to: 7n }, { span: 8n }, always(limit)));
    expect(await first).to.equal(limit);
    expect(asked).to.equal(4);
    asked = 0;
    for (const error of [http(503), new Error("a bug")]) {
      const other = failureOf(pieces({ from: 0n, to: 7n }, { span: 8n }, always(error)));
      expect(await other).to.equal(error);
    }
    expect(asked).to.equal(2);
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
});
