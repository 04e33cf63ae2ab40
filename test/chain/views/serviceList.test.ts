import { expect } from "chai";
import { stringToHex } from "viem";
import { listServices, type ServiceFilter } from "../../../src/chain/views/serviceList.ts";
import { ZERO_HASH } from "../../../src/protocol/bytes.ts";
import { serviceStatuses } from "../../../src/protocol/serviceStatus.ts";
import { DEPLOYMENT, FakeChain } from "../../support/fakeChain.ts";

const COUNT = 200;

describe("listServices", () => {
  let chain: FakeChain;
  /** Numbers whose status was asked for. */
  let read: Set<number>;

  beforeEach(() => {
    chain = new FakeChain();
    read = new Set();
    Object.assign(chain.answers, {
      serviceCount: () => BigInt(COUNT),
      statusNow: (number: bigint) => {
        read.add(Number(number));
        return serviceStatuses.indexOf(number % 2n === 0n ? "Suspended" : "Active");
      },
      classOf: (number: bigint) => (number > 100n ? 1 : 0),
      classAt: (classId: number) => ({
        name: stringToHex(classId === 0 ? "http" : "json-rpc", { size: 32 }),
        minimumStake: 0n,
        maximumStake: 1n,
        registrationFee: 0n,
        open: true,
        excellentMs: 1,
        goodMs: 2,
        poorMs: 3,
        verifier: DEPLOYMENT.contracts.token,
      }),
      ownerOf: () => DEPLOYMENT.contracts.token,
      labelOf: (number: bigint) => (number === 7n ? "seven" : ""),
      serviceStakeAt: () => [5n, 5n],
    });
  });

  async function list(filter: ServiceFilter, limit = COUNT): Promise<number[]> {
    const found: number[] = [];
    const moment = { number: 1n, hash: ZERO_HASH, timestamp: DEPLOYMENT.genesis, epoch: 0 };
    for await (const { number } of listServices(chain.client, DEPLOYMENT, { moment, filter })) {
      found.push(Number(number));
      if (found.length === limit) break;
    }
    return found;
  }

  it("goes through all pages, in order, each service once", async () => {
    const all = await list({});
    expect(all).to.deep.equal(Array.from({ length: COUNT }, (_, index) => index + 1));
  });

  it("reads no page that its caller does not want", async () => {
    expect(await list({}, 10)).to.have.length(10);
    expect(read.size).to.be.at.most(48);
    expect(await list({ after: BigInt(COUNT) })).to.deep.equal([]);
  });

  it("filters by status, class and owner, also across pages", async () => {
    expect(await list({ status: "Suspended", className: "json-rpc" }, 2)).to.deep.equal([102, 104]);
    expect(await list({ owner: DEPLOYMENT.contracts.staking })).to.deep.equal([]);
    expect(await list({ status: "Active", after: 195n })).to.deep.equal([197, 199]);
  });
});
