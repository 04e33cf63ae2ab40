import { expect } from "chai";
import type { Hex } from "viem";
import { hexToBytes } from "../../../src/protocol/bytes.ts";
import { instanceLeases, type InstanceLease } from "../../../src/protocol/instanceLease.ts";
import { readRecord, signRecord, type Endpoint } from "../../../src/protocol/record.ts";
import { rootServiceId } from "../../../src/protocol/serviceId.ts";
import { addressOfKey } from "../../../src/protocol/signature.ts";
import { BlockcloudError } from "../../../src/protocol/errors.ts";
import { blockcloudDomain } from "../../../src/protocol/typedData.ts";
import { Instances } from "../../../src/provider/replicas/instances.ts";
import { DEPLOYMENT } from "../../support/fakeChain.ts";
import { MemoryLog } from "../../support/memoryLog.ts";

const KEY: Hex = `0x${"4b".repeat(32)}`;
const OTHER: Hex = `0x${"5c".repeat(32)}`;
const ID = rootServiceId(7n);
const domain = blockcloudDomain(BigInt(DEPLOYMENT.chainId), DEPLOYMENT.contracts.registry);
const START = 1_800_000_000_000;

/** An instance's ID. */
const named = (digit: string): Hex => `0x${digit.repeat(16)}`;
const at = (uri: string, over: Partial<Endpoint> = {}): Endpoint => ({
  ...{ uri, priority: 0, weight: 1 },
  ...over,
});

/** The code with which a call fails; undefined if it does not. */
function thrownCode(call: () => unknown): string | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    if (error instanceof BlockcloudError) return error.code;
    throw error;
  }
}

describe("the instances of a publisher", () => {
  let now: number;
  let instances: Instances;
  let log: MemoryLog;
  const own = [at("sal://198.51.100.1:443")];

  beforeEach(() => {
    now = START;
    log = new MemoryLog();
    const key = hexToBytes(KEY);
    instances = new Instances(
      { serviceId: ID, key, signer: addressOfKey(key), delegation: "0x", domain },
      { now: () => now, log },
    );
  });

  function lease(over: Partial<InstanceLease> = {}, key = KEY): Hex {
    const each = {
      ...{ serviceId: ID, instance: named("a"), issuedAt: BigInt(now) },
      ...{ expiresAt: BigInt(now + 20_000), endpoints: [at("sal://198.51.100.2:443")] },
      ...over,
    };
    return instanceLeases.sign(each, domain, hexToBytes(key));
  }

  function codeOfTaking(encoded: Hex): string | undefined {
    return thrownCode(() => {
      instances.take(encoded);
    });
  }

  const uris = () => instances.endpoints(own).map(({ uri }) => uri);

  it("are named until their lease ends", () => {
    instances.take(lease());
    expect(uris()).to.deep.equal(["sal://198.51.100.1:443", "sal://198.51.100.2:443"]);
    now += 19_999;
    expect(uris().length).to.equal(2);
    now += 1;
    expect(uris()).to.deep.equal(["sal://198.51.100.1:443"]);
    expect(instances.size).to.equal(0);
  });

  it("leave at once, and an older lease does not bring them back", () => {
    const old = lease();
    instances.take(old);
    now += 10;
    instances.take(lease({ endpoints: [] }));
    expect(uris().length).to.equal(1);
    expect(codeOfTaking(old)).to.equal("INSTANCE_LEASE_TIMES");
    now += 10;
    instances.take(lease());
    expect(uris().length).to.equal(2);
  });

  it("share an address with the weight of all", () => {
    const shared = at("sal://203.0.113.1:443", { weight: 3, priority: 2 });
    instances.take(lease({ endpoints: [shared] }));
    instances.take(lease({ instance: named("b"), endpoints: [{ ...shared, priority: 1 }] }));
    expect(instances.endpoints(own)).to.deep.include({ ...shared, weight: 6, priority: 1 });
  });

  for (const [what, make, code] of [
    ["another key", () => lease({}, OTHER), "INSTANCE_LEASE_SIGNER"],
    ["another service", () => lease({ serviceId: rootServiceId(8n) }), "INSTANCE_LEASE_SIGNER"],
    [
      "a lease that has ended",
      () => lease({ issuedAt: 1n, expiresAt: 2n }),
      "INSTANCE_LEASE_TIMES",
    ],
    [
      "a lease of tomorrow",
      () => lease({ issuedAt: BigInt(START + 60_001), expiresAt: BigInt(START + 70_000) }),
      "INSTANCE_LEASE_TIMES",
    ],
    ["bytes that are none", () => "0xdeadbeef", "INSTANCE_LEASE_MALFORMED"],
    ["more bytes than a lease has", () => `${lease()}00`, "INSTANCE_LEASE_MALFORMED"],
    ["far too many bytes", () => `0x${"00".repeat(3_000)}`, "INSTANCE_LEASE_MALFORMED"],
    [
      "a record in its place",
      () =>
        signRecord(
          {
            ...{ serviceId: ID, issuedAt: BigInt(START), expiresAt: BigInt(START + 1_000) },
            ...{ endpoints: own, delegation: "0x" },
          },
          domain,
          hexToBytes(KEY),
        ),
      "INSTANCE_LEASE_MALFORMED",
    ],
  ] as [string, () => Hex, string][]) {
    it(`refuses ${what}`, () => {
      expect(codeOfTaking(make())).to.equal(code);
      expect(uris().length).to.equal(1);
    });
  }

  it("refuses the same lease twice", () => {
    const once = lease();
    instances.take(once);
    expect(codeOfTaking(once)).to.equal("INSTANCE_LEASE_TIMES");
  });

  it("an older and longer lease does not bring back an instance whose newest one has ended", () => {
    for (const endpoints of [[], [at("sal://198.51.100.3:443")]]) {
      const instance = named(endpoints.length === 0 ? "a" : "b");
      const long = lease({ instance, expiresAt: BigInt(now + 60_000) });
      instances.take(long);
      now += 1_000;
      instances.take(lease({ instance, expiresAt: BigInt(now + 5_000), endpoints }));
      now += 6_000;
      expect(codeOfTaking(long)).to.equal("INSTANCE_LEASE_TIMES");
      expect(uris()).to.deep.equal(["sal://198.51.100.1:443"]);
    }
    expect(instances.size).to.equal(0);
  });

  it("says once which instance there is no room for, however often the publisher looks", () => {
    instances.take(lease());
    const many = Array.from({ length: 16 }, (_, index) => at(`sal://a:${index + 1}`));
    for (let look = 0; look < 10; look++) instances.endpoints(many);
    const said = () => log.said("warn").filter((text) => text.includes("no room")).length;
    expect(said()).to.equal(1);
    // It is named as soon as there is room.
    expect(uris().length).to.equal(2);
    instances.endpoints(many);
    expect(said()).to.equal(2);
  });

  it("a lease is no record: nobody can publish it in the record's place", () => {
    expect(thrownCode(() => readRecord(lease(), domain))).to.equal("RECORD_MALFORMED");
  });

  it("refuses an instance for which the record has no room, and keeps the others", () => {
    instances.endpoints(own);
    for (let count = 0; count < 15; count++) {
      const uri = `sal://198.51.100.${100 + count}:1`;
      const more = lease({ instance: named(count.toString(16)), endpoints: [at(uri)] });
      // Sixteen endpoints do not fit into 2,048 bytes.
      if (codeOfTaking(more) === undefined) continue;
      expect(codeOfTaking(more)).to.equal("INSTANCES_FULL");
      break;
    }
    const all = instances.endpoints(own);
    expect(all.length).to.be.within(8, 16);
    const record = { serviceId: ID, issuedAt: 1n, expiresAt: 2n, endpoints: all };
    signRecord({ ...record, delegation: "0x" }, domain, hexToBytes(KEY));
  });

  it("names itself first when its own addresses have become many", () => {
    instances.take(lease());
    const many = Array.from({ length: 16 }, (_, index) => at(`sal://a:${index + 1}`));
    const fits = instances.endpoints(many.slice(0, 8)).map(({ uri }) => uri);
    expect(fits.slice(0, 8)).to.deep.equal(many.slice(0, 8).map(({ uri }) => uri));
  });
});
