import { expect } from "chai";
import { numberToHex, type Hex } from "viem";
import { auditedEndpoints, readRecordView } from "../../../src/chain/views/recordView.ts";
import { hexToBytes, ZERO_HASH } from "../../../src/protocol/bytes.ts";
import { epochAt } from "../../../src/protocol/epoch.ts";
import { signRecord, type Endpoint, type EndpointRecord } from "../../../src/protocol/record.ts";
import { rootServiceId } from "../../../src/protocol/serviceId.ts";
import { addressOfKey } from "../../../src/protocol/signature.ts";
import { blockcloudDomain } from "../../../src/protocol/typedData.ts";
import { DEPLOYMENT, FakeChain } from "../../support/fakeChain.ts";

const domain = blockcloudDomain(BigInt(DEPLOYMENT.chainId), DEPLOYMENT.contracts.registry);
const KEY: Hex = `0x${"4b".repeat(32)}`;
const STRANGER: Hex = `0x${"66".repeat(32)}`;
const HOUR = 3_600;
/** A block every 12 seconds, for ten days. */
const BLOCK_SECONDS = 12;
const HEAD = (240 * HOUR) / BLOCK_SECONDS;

describe("readRecordView", () => {
  let chain: FakeChain;
  const timeOf = (block: number) => DEPLOYMENT.genesis + block * BLOCK_SECONDS;
  const now = timeOf(HEAD);

  beforeEach(() => {
    chain = new FakeChain();
    chain.block = (tag) => ({
      number: tag,
      timestamp: numberToHex(timeOf(Number(tag))),
      transactions: [],
    });
  });

  function record(uri: string, ageHours: number, leaseHours = 24): EndpointRecord {
    const issuedAt = BigInt((now - ageHours * HOUR) * 1_000);
    return {
      serviceId: rootServiceId(7n),
      issuedAt,
      expiresAt: issuedAt + BigInt(leaseHours * HOUR * 1_000),
      endpoints: [{ uri, priority: 0, weight: 1 }],
      delegation: "0x",
    };
  }

  /** Announces so many hours ago, whenever it was issued. */
  function announce(value: EndpointRecord | Hex, hoursAgo: number, key: Hex = KEY): void {
    const encoded = typeof value === "string" ? value : signRecord(value, domain, hexToBytes(key));
    const block = HEAD - Math.floor((hoursAgo * HOUR) / BLOCK_SECONDS);
    chain.logs.push({ block, eventName: "Announced", args: { number: 7n, record: encoded } });
  }

  const read = async () => {
    const { state, record: found } = await readRecordView(chain.client, DEPLOYMENT, {
      number: 7n,
      key: addressOfKey(KEY),
      moment: {
        number: BigInt(HEAD),
        hash: ZERO_HASH,
        timestamp: now,
        epoch: epochAt(DEPLOYMENT, now),
      },
    });
    return { state, uri: found?.endpoints[0]?.uri };
  };

  it("finds nothing in a bounded number of requests", async () => {
    expect(await read()).to.deep.equal({ state: "none", uri: undefined });
    expect(chain.asked("eth_getLogs")).to.be.at.most(4 + 20);
  });

  it("finds the newest record of the service's key, however old ones are announced again", async () => {
    announce(record("https://new.example", 2), 2);
    announce(record("https://old.example", 20), 0.1);
    expect(await read()).to.deep.equal({ state: "current", uri: "https://new.example" });
  });

  it("tells a lease that ran out from none, also days later", async () => {
    announce(record("https://gone.example", 80), 80);
    expect(await read()).to.deep.equal({ state: "expired", uri: "https://gone.example" });
    announce(record("https://short.example", 3, 1), 3);
    expect(await read()).to.deep.equal({ state: "expired", uri: "https://short.example" });
  });

  it("prefers a record of the service's key that ran out to a stranger's that runs", async () => {
    announce(record("https://evil.example", 1), 1, STRANGER);
    expect(await read()).to.deep.equal({ state: "foreign", uri: "https://evil.example" });
    announce(record("https://gone.example", 50), 50);
    expect(await read()).to.deep.equal({ state: "expired", uri: "https://gone.example" });
  });

  it("passes over what is no record, another service's, and one from the future", async () => {
    announce("0x1234", 1);
    announce({ ...record("https://other.example", 1), serviceId: rootServiceId(8n) }, 1);
    announce(record("https://future.example", -1), 1);
    expect(await read()).to.deep.equal({ state: "none", uri: undefined });
  });
});

describe("auditedEndpoints", () => {
  it("are those over which auditors inspect, by priority", () => {
    const endpoints: Endpoint[] = [
      { uri: "tcp://a.example:1", priority: 0, weight: 1 },
      { uri: "https://c.example", priority: 2, weight: 1 },
      { uri: "http://b.example", priority: 1, weight: 1 },
      { uri: "sal://d.example:1", priority: 3, weight: 1 },
    ];
    const found = { endpoints } as EndpointRecord;
    expect(auditedEndpoints(found).map(({ uri }) => uri)).to.deep.equal([
      "http://b.example",
      "https://c.example",
      "sal://d.example:1",
    ]);
    expect(auditedEndpoints({ ...found, endpoints: endpoints.slice(0, 1) })).to.deep.equal([]);
  });
});
