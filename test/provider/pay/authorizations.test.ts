import { expect } from "chai";
import {
  createPublicClient,
  custom,
  encodeAbiParameters,
  encodeEventTopics,
  numberToHex,
  parseAbi,
  type Address,
  type Hex,
} from "viem";
import { describeChain, type ChainClient } from "../../../src/chain/client.ts";
import { Authorizations } from "../../../src/provider/gateway/pay/authorizations.ts";
import { DEPLOYMENT } from "../../support/fakeChain.ts";

const abi = parseAbi([
  "event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce)",
  "event Transfer(address indexed from, address indexed to, uint256 value)",
]);
const asset: Address = `0x${"a1".repeat(20)}`;
const from: Address = `0x${"b1".repeat(20)}`;
const to: Address = `0x${"c1".repeat(20)}`;
const nonceOf = (byte: string): Hex => `0x${byte.repeat(32)}`;
const HASH: Hex = `0x${"12".repeat(32)}`;
const transfer = {
  asset,
  authorization: {
    ...{ from, to, value: 5n, validAfter: 0n, validBefore: 100n, nonce: nonceOf("01") },
  },
};

type Event = { address?: Address } & (
  { used: Hex; by?: Address } | { sum: bigint; to?: Address; from?: Address }
);

/** A node with one transaction, whose receipt has these events. */
function clientOf(events: readonly Event[], status: "0x1" | "0x0" = "0x1"): ChainClient {
  const logs = events.map((event, index) => {
    const [topics, data] =
      "used" in event
        ? ([
            encodeEventTopics({
              ...{ abi, eventName: "AuthorizationUsed" },
              args: { authorizer: event.by ?? from, nonce: event.used },
            }),
            "0x",
          ] as const)
        : ([
            encodeEventTopics({
              ...{ abi, eventName: "Transfer" },
              args: { from: event.from ?? from, to: event.to ?? to },
            }),
            encodeAbiParameters([{ type: "uint256" }], [event.sum]),
          ] as const);
    return {
      ...{ address: event.address ?? asset, topics, data, blockNumber: "0x1", blockHash: HASH },
      ...{ transactionHash: HASH, transactionIndex: "0x0", removed: false },
      logIndex: numberToHex(index),
    };
  });
  return createPublicClient({
    chain: describeChain(DEPLOYMENT.chainId),
    transport: custom({
      request: ({ params }: { params: [Hex] }) =>
        Promise.resolve(
          params[0] === HASH
            ? { logs, status, transactionHash: HASH, blockNumber: "0x1", type: "0x2" }
            : null,
        ),
    }),
  });
}

const proves = (events: readonly Event[], status?: "0x0") =>
  new Authorizations(clientOf(events, status), 1).proves(HASH, transfer);

describe("the proof of a transfer by authorization", () => {
  it("is the token's events, one after the other, in a transaction that succeeded", async () => {
    expect(await proves([{ used: nonceOf("01") }, { sum: 5n }])).to.equal(true);
    expect(await proves([{ used: nonceOf("01") }, { sum: 5n }], "0x0")).to.equal(false);
  });

  it("is not another nonce, payer, payee or amount, nor a part of it", async () => {
    const stranger: Address = `0x${"d1".repeat(20)}`;
    for (const events of [
      [{ used: nonceOf("02") }, { sum: 5n }],
      [{ used: nonceOf("01"), by: stranger }, { sum: 5n }],
      [{ used: nonceOf("01") }, { sum: 4n }],
      [{ used: nonceOf("01") }, { sum: 5n, to: stranger }],
      [{ used: nonceOf("01") }, { sum: 5n, from: stranger }],
      [{ used: nonceOf("01") }],
      [{ sum: 5n }],
      [],
    ]) {
      expect(await proves(events), JSON.stringify(events, String)).to.equal(false);
    }
  });

  it("is not in the events of another token", async () => {
    const address: Address = `0x${"e1".repeat(20)}`;
    const events = [
      { used: nonceOf("01"), address },
      { sum: 5n, address },
    ];
    expect(await proves(events)).to.equal(false);
  });

  it("is not the transfer of a second authorization in the same transaction", async () => {
    const self = [{ used: nonceOf("01") }, { sum: 5n, to: from }];
    const paid = [{ used: nonceOf("02") }, { sum: 5n }];
    expect(await proves([...self, ...paid])).to.equal(false);
    // Events of other contracts in between do not matter.
    const other: Event = { sum: 1n, address: `0x${"e1".repeat(20)}` };
    expect(await proves([{ used: nonceOf("01") }, other, { sum: 5n }])).to.equal(true);
  });

  it("is not a transaction that the endpoint does not know", async () => {
    const books = new Authorizations(clientOf([]), 1);
    expect(await books.proves(`0x${"34".repeat(32)}`, transfer)).to.equal(false);
  });
});

describe("the state of an authorization", () => {
  it("is read at the head whose time counts, though the endpoint may lag behind for another request", async () => {
    const asked: unknown[] = [];
    const head = { number: "0x64", timestamp: "0x10", transactions: [] };
    const client = createPublicClient({
      chain: describeChain(DEPLOYMENT.chainId),
      transport: custom({
        request: ({ method, params }: { method: string; params: unknown[] }) => {
          if (method === "eth_getBlockByNumber") return Promise.resolve(head);
          asked.push([method, params[1]]);
          return Promise.resolve(`0x${"00".repeat(32)}`);
        },
      }),
    });
    expect(await new Authorizations(client, 1).look(transfer)).to.deep.equal({ state: "open" });
    expect(asked).to.deep.equal([["eth_call", "0x64"]]);
  });
});
