import { expect } from "chai";
import { network } from "hardhat";
import { createPublicClient, custom, decodeAbiParameters, keccak256, type Hex } from "viem";
import { describeChain, type ChainClient } from "../../src/chain/client.ts";
import type { Deployment } from "../../src/chain/deployment.ts";
import { Seeds } from "../../src/chain/seeds.ts";
import { epochSeed, type RpcHeader } from "../../src/protocol/header.ts";
import { DEPLOYMENT, FakeChain } from "../support/fakeChain.ts";
import { rejection } from "../support/rejection.ts";

const EPOCH_SECONDS = 100;
/** Seconds after the genesis at which blocks 2, 3, .. stand. */
const BLOCKS = [50, 99, 100, 150, 301, 302, 399, 400, 401, 402, 403, 650];

describe("Seeds", () => {
  let connection: Awaited<ReturnType<typeof network.create>>;
  let client: ChainClient;
  let deployment: Deployment;
  let seeds: Seeds;
  let forge: (header: RpcHeader) => RpcHeader | null;
  let headersRead: number;

  before(async () => {
    connection = await network.create();
    const request = (method: string, ...params: unknown[]) =>
      connection.provider.request({ method, params });
    const now = Number(
      ((await request("eth_getBlockByNumber", "latest", false)) as RpcHeader).timestamp,
    );
    const genesis = now + 1_000;
    deployment = { ...DEPLOYMENT, block: 1, genesis, epochSeconds: EPOCH_SECONDS };
    for (const seconds of [0, ...BLOCKS]) {
      await request("evm_setNextBlockTimestamp", genesis + seconds);
      await request("evm_mine");
    }
  });
  after(() => connection.close());

  beforeEach(() => {
    forge = (header) => header;
    headersRead = 0;
    const request = async ({ method, params }: { method: string; params: unknown[] }) => {
      const result: unknown = await connection.provider.request({ method, params });
      if (method !== "eth_getBlockByNumber") return result;
      headersRead += 1;
      return forge(result as RpcHeader);
    };
    const transport = custom({ request: request as never }, { retryCount: 0 });
    client = createPublicClient({ chain: describeChain(31_337), transport, cacheTime: 0 });
    seeds = new Seeds(client, deployment);
  });

  async function head(block = 1 + BLOCKS.length) {
    const { timestamp } = await client.getBlock({ blockNumber: BigInt(block) });
    headersRead = 0;
    return { number: BigInt(block), timestamp: Number(timestamp) };
  }

  /** Block number of the first block that stands so many seconds after the genesis. */
  const at = (seconds: number) => BigInt(2 + BLOCKS.indexOf(seconds));

  for (const [epoch, seconds] of [
    [1, 100],
    [3, 301],
    [4, 400],
    [6, 650],
  ] as const) {
    it(`proves the seed of epoch ${epoch} by the block at second ${seconds}`, async () => {
      const proof = await seeds.prove(epoch, await head());
      const number = at(seconds);
      const [first, parent] = await Promise.all([
        client.getBlock({ blockNumber: number }),
        client.getBlock({ blockNumber: number - 1n }),
      ]);
      expect(proof).to.include({ epoch, block: number });
      expect(keccak256(proof.firstHeader)).to.equal(first.hash);
      expect(keccak256(proof.parentHeader)).to.equal(parent.hash);
      expect(Number(parent.timestamp)).to.be.below(deployment.genesis + epoch * EPOCH_SECONDS);
      const { proofOfService } = deployment.contracts;
      expect(proof.seed).to.equal(epochSeed(first.mixHash, epoch, 31_337n, proofOfService));
    });
  }

  it("proves the seed of the genesis epoch by the deployment's own block", async () => {
    expect((await seeds.prove(0, await head())).block).to.equal(1n);
  });

  it("finds a block at the very head", async () => {
    expect((await seeds.prove(4, await head(Number(at(400))))).block).to.equal(at(400));
  });

  it("looks at few blocks", async () => {
    await seeds.prove(4, await head());
    expect(headersRead).to.be.at.most(2 * Math.ceil(Math.log2(BLOCKS.length + 1)) + 2);
  });

  for (const epoch of [2, 5]) {
    it(`knows that no block fell into epoch ${epoch}`, async () => {
      const error = await rejection("EPOCH_WITHOUT_BLOCK", seeds.prove(epoch, await head()));
      expect(error.message).to.contain(`Epoch ${epoch} has no block`);
    });
  }

  it("does not take the last block before an epoch for its first", async () => {
    const early = await head(Number(at(399)));
    await rejection("EPOCH_WITHOUT_BLOCK", seeds.prove(4, early));
  });

  it("refuses headers that do not hash to their blocks' hashes", async () => {
    const now = await head();
    forge = (header) => ({ ...header, mixHash: keccak256(header.mixHash) });
    await rejection("HEADER_MISMATCH", seeds.prove(4, now));
    forge = (header) => (BigInt(header.number) === at(399) ? { ...header, nonce: "0x01" } : header);
    await rejection("HEADER_MISMATCH", seeds.prove(4, now));
  });

  it("proves nothing by an endpoint that does not know the epoch's first blocks", async () => {
    const now = await head();
    // It skips a block, so that the second of the epoch looks like the first.
    const skipped = at(400);
    forge = (header) => (BigInt(header.number) < skipped ? null : header);
    await rejection("BLOCK_MISSING", seeds.prove(4, now));
  });

  it("may find a block later that the endpoint does not know yet", async () => {
    const now = await head();
    forge = () => null;
    expect((await rejection("BLOCK_MISSING", seeds.prove(4, now))).retryable).to.equal(true);
  });
});

describe("Seeds.recorded", () => {
  it("gives what the chain has recorded, and nothing where it has not", async () => {
    const chain = new FakeChain();
    const seed: Hex = `0x${"5e".repeat(32)}`;
    const none: Hex = `0x${"00".repeat(32)}`;
    chain.answers.seedOf = (epoch: number) => [epoch === 7 ? seed : none, 5, 3, 1_700_000_705n];
    const seeds = new Seeds(chain.client, DEPLOYMENT);
    expect(await seeds.recorded(7)).to.deep.equal({ seed, previous: 5 });
    expect(await seeds.recorded(8)).to.equal(undefined);
    const [{ to, data }] = chain.requests[0]?.params as [{ to: Hex; data: Hex }];
    expect(to).to.equal(DEPLOYMENT.contracts.proofOfService);
    expect(decodeAbiParameters([{ type: "uint32" }], `0x${data.slice(10)}`)).to.deep.equal([7]);
  });
});
