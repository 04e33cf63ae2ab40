import { expect } from "chai";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { rootRecord, START, testKey } from "../support/coralKit.ts";
import { CoralNet, isRecord } from "../support/coralNet.ts";

const key = testKey(7);
const id = rootServiceId(7n);

describe("CoralNode", function () {
  this.timeout(60_000);
  let net: CoralNet;
  beforeEach(() => {
    net = new CoralNet();
    net.authority.set(7n, key);
  });
  afterEach(() => net.stop());

  it("pushes what it publishes to another one", async () => {
    const a = await net.add();
    const b = await net.add();
    const encoded = rootRecord(7n, key, { issuedAt: START });
    const { stored } = await a.coral.publish("endpoint", encoded);
    await b.arrival(isRecord(encoded));
    expect(b.coral.record(id)?.encoded).to.equal(encoded);
    expect(await stored).to.equal(1);
  });

  it("finds what was published before it came", async () => {
    const a = await net.add();
    await net.add();
    const encoded = rootRecord(7n, key, { issuedAt: START });
    const { stored } = await a.coral.publish("endpoint", encoded);
    await stored;
    const late = await net.add();
    const found = await late.coral.find(id, AbortSignal.timeout(20_000));
    expect(found?.encoded).to.equal(encoded);
  });

  it("works alone", async () => {
    const a = await net.add();
    const encoded = rootRecord(7n, key, { issuedAt: START });
    const { peers } = await a.coral.publish("endpoint", encoded);
    expect([peers, a.coral.peers]).to.deep.equal([0, 0]);
    expect(await a.coral.find(rootServiceId(8n), AbortSignal.timeout(10_000))).to.equal(undefined);
  });
});
