import { expect } from "chai";
import { FreeAllowance, type AllowanceOptions } from "../../src/cashier/allowance.ts";
import { expectCode } from "../support/expectCode.ts";

const MIB = 1_048_576;

describe("the free allowance of a priced service", () => {
  let epoch: number;

  function create(options: AllowanceOptions = {}): FreeAllowance {
    epoch = 10;
    return new FreeAllowance(options, () => epoch);
  }

  it("covers three answers of 1 MiB with their heads, and no fourth request", () => {
    const allowance = create();
    for (let inspection = 0; inspection < 3; inspection += 1) {
      expect(allowance.takeRequest("192.0.2.1")).to.equal(true);
      const bytes = MIB + 2 * 16_384;
      expect(allowance.takeBytes("192.0.2.1", bytes)).to.equal(bytes);
    }
    expect(allowance.takeRequest("192.0.2.1")).to.equal(false);
    expect(allowance.takeBytes("192.0.2.1", MIB)).to.equal(3 * 32 * 1024);
    expect(allowance.takeBytes("192.0.2.1", 1)).to.equal(0);
  });

  it("is each peer's own, and a peer of IPv6 is a /64", () => {
    const allowance = create({ requests: 1 });
    const takes = (address: string) => allowance.takeRequest(address);
    expect([takes("192.0.2.1"), takes("192.0.2.1"), takes("::ffff:192.0.2.1")]).to.deep.equal([
      ...[true, false, false],
    ]);
    expect([
      takes("198.51.100.1"),
      takes("2001:db8:1:2::1"),
      takes("2001:db8:1:2::2"),
    ]).to.deep.equal([true, true, false]);
  });

  it("is bounded for a network, whose addresses are cheap", () => {
    const allowance = create({ requests: 2, bytes: 100, peersOfNetwork: 3 });
    const granted = Array.from({ length: 8 }, (_, host) =>
      allowance.takeBytes(`192.0.2.${host}`, 100),
    );
    expect(granted).to.deep.equal([100, 100, 100, 0, 0, 0, 0, 0]);
    expect(allowance.takeBytes("198.51.100.1", 100)).to.equal(100);
  });

  it("is bounded in total", () => {
    const allowance = create({ totalBytes: 150, bytes: 100 });
    expect(allowance.takeBytes("192.0.2.1", 100)).to.equal(100);
    expect(allowance.takeBytes("198.51.100.1", 100)).to.equal(50);
    allowance.giveBack("192.0.2.1", 30);
    expect(allowance.takeBytes("198.51.100.1", 100)).to.equal(30);
  });

  it("begins anew with each epoch, and not when the clock goes back", () => {
    const allowance = create({ requests: 1, bytes: 100 });
    allowance.takeBytes("192.0.2.1", 100);
    epoch = 9;
    expect(allowance.takeBytes("192.0.2.1", 1)).to.equal(0);
    epoch = 11;
    // What an earlier epoch lent is not given back to this one.
    allowance.giveBack("192.0.2.1", 60);
    expect(allowance.takeBytes("192.0.2.1", 200)).to.equal(100);
  });

  it("forgets the peers that were silent longest", () => {
    const allowance = create({ requests: 1, maxPeers: 4 });
    expect(allowance.takeRequest("192.0.2.1")).to.equal(true);
    for (let net = 1; net < 5; net += 1) allowance.takeRequest(`198.51.${net}.1`);
    expect(allowance.takeRequest("192.0.2.1")).to.equal(true);
  });

  it("refuses impossible options", () => {
    for (const options of [
      { bytes: -1 },
      { requests: 0.5 },
      { maxPeers: 0 },
      { totalBytes: NaN },
    ]) {
      expectCode("CASHIER_ALLOWANCE", () => create(options));
    }
  });
});
