import { expect } from "chai";
import {
  FreeAllowance,
  type AllowanceOptions,
  type AllowanceUses,
} from "../../src/cashier/allowance.ts";
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

  describe("of a process that takes the place of another one", () => {
    const PEER = "192.0.2.1";

    /** An allowance of another process of the same service, which the first tells what it gives. */
    function successor(first: FreeAllowance, options: AllowanceOptions): FreeAllowance {
      const next = new FreeAllowance(options, () => epoch);
      first.tellTo((told) => {
        next.count(told);
      });
      return next;
    }

    it("goes on where the other one was, by peer, by network and in total", () => {
      const options = { requests: 2, bytes: 100, peersOfNetwork: 2, totalBytes: 250 };
      const first = create(options);
      for (const host of [1, 2]) {
        first.takeRequest(`192.0.2.${host}`);
        first.takeBytes(`192.0.2.${host}`, 90);
      }
      const next = successor(first, options);
      expect([next.takeRequest(PEER), next.takeRequest(PEER)]).to.deep.equal([true, false]);
      expect(next.takeBytes(PEER, 100), "the peer's").to.equal(10);
      expect(next.takeBytes("192.0.2.3", 100), "the network's").to.equal(10);
      expect(next.takeBytes("198.51.100.1", 100), "all").to.equal(50);
    });

    it("counts what the other one still gives, and takes back", () => {
      const options = { requests: 3, bytes: 100 };
      const first = create(options);
      const next = successor(first, options);
      first.takeRequest(PEER);
      first.takeBytes(PEER, 60);
      first.giveBack(PEER, 20);
      expect(next.takeBytes(PEER, 100)).to.equal(60);
      first.tellTo(undefined);
      first.takeBytes(PEER, 10);
      expect(next.takeRequest(PEER) && next.takeRequest(PEER)).to.equal(true);
      expect(next.takeRequest(PEER)).to.equal(false);
    });

    it("counts once what several processes before it know", () => {
      const options = { bytes: 100 };
      const [first, second] = [create(options), create(options)];
      first.takeBytes(PEER, 40);
      first.tellTo((told) => {
        second.count(told);
      });
      second.takeBytes(PEER, 20);
      const next = successor(second, options);
      first.tellTo((told) => {
        next.count(told);
      });
      expect(next.takeBytes(PEER, 100)).to.equal(40);
    });

    it("counts nothing of an epoch that is over, and enters one that the other one has seen begin", () => {
      const options = { bytes: 100 };
      const next = create(options);
      next.takeBytes(PEER, 30);
      const uses: AllowanceUses = [[PEER, 1, 100]];
      for (const other of [9, 12]) next.count({ epoch: other, kind: "sums", total: 100, uses });
      expect(next.takeBytes(PEER, 10)).to.equal(10);
      next.count({ epoch: 11, kind: "more", total: 50, uses: [[PEER, 1, 50]] });
      expect(next.takeBytes(PEER, 100)).to.equal(50);
    });

    it("tells of the peers that came last, in messages of bounded length", () => {
      const first = create({ requests: 1, maxPeers: 100_000 });
      for (let peer = 0; peer < 6_000; peer += 1) {
        first.takeRequest(`10.${peer >> 8}.${peer & 255}.1`);
      }
      const lengths: number[] = [];
      const next = new FreeAllowance({ requests: 1 }, () => epoch);
      first.tellTo((told) => {
        lengths.push(told.uses.length);
        next.count(told);
      });
      expect(lengths).to.deep.equal(Array<number>(10).fill(1_000));
      expect(next.takeRequest("10.23.111.1"), "the last of them").to.equal(false);
      expect(next.takeRequest("10.0.0.1"), "the first of them").to.equal(true);
    });
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
