import { expect } from "chai";
import { peerOf } from "../../src/net/peer.ts";
import { RateLimit } from "../../src/node/rateLimit.ts";

describe("RateLimit", () => {
  let now = 0;
  const limit = (perSecond: number, burst: number, maxPeers = 10) => {
    now = 1_000_000;
    return new RateLimit({ perSecond, burst, maxPeers }, () => now);
  };

  it("allows a burst, then says how long to wait", () => {
    const rate = limit(4, 3);
    expect([1, 2, 3].map(() => rate.take("a"))).to.deep.equal([0, 0, 0]);
    expect(rate.take("a")).to.equal(250);
    now += 100;
    expect(rate.take("a")).to.equal(150);
    now += 150;
    expect(rate.take("a")).to.equal(0);
    expect(rate.take("a")).to.equal(250);
  });

  it("tells the wait without taking anything", () => {
    const rate = limit(4, 1);
    expect([1, 2].map(() => rate.peek("a"))).to.deep.equal([0, 0]);
    expect(rate.size).to.equal(0);
    rate.take("a");
    expect([1, 2].map(() => rate.peek("a"))).to.deep.equal([250, 250]);
    now += 250;
    expect(rate.peek("a")).to.equal(0);
    expect(rate.peek("a", 2)).to.equal(Infinity);
  });

  it("never saves up more than a burst", () => {
    const rate = limit(1000, 2);
    rate.take("a");
    now += 3_600_000;
    expect([1, 2, 3].map(() => rate.take("a") === 0)).to.deep.equal([true, true, false]);
  });

  it("counts each peer by itself", () => {
    const rate = limit(1, 1);
    expect(rate.take("a")).to.equal(0);
    expect(rate.take("b")).to.equal(0);
    expect(rate.take("a")).to.equal(1000);
  });

  it("forgets the peer that was silent longest, and keeps its size", () => {
    const rate = limit(1, 1, 2);
    rate.take("a");
    rate.take("b");
    rate.take("a");
    rate.take("c");
    expect(rate.size).to.equal(2);
    expect(rate.take("a")).to.be.above(0);
    expect(rate.take("b")).to.equal(0);
  });

  it("lets one request cost as much as many", () => {
    const rate = limit(10, 20);
    expect(rate.take("a", 15)).to.equal(0);
    expect(rate.take("a", 15)).to.equal(1000);
    expect(rate.take("a", 5)).to.equal(0);
    expect(rate.take("b", 21)).to.equal(Infinity);
  });

  it("closes for ever at rate 0", () => {
    const rate = limit(0, 0);
    expect(rate.take("a")).to.equal(Infinity);
  });
});

describe("peerOf", () => {
  it("takes an IPv4 address as it is, in whichever form a socket reports it", () => {
    expect(peerOf("192.0.2.7")).to.equal("192.0.2.7");
    expect(peerOf("::ffff:192.0.2.7")).to.equal("192.0.2.7");
  });

  it("takes an IPv6 /64 as one peer", () => {
    const network = peerOf("2001:db8:0:7::1");
    expect(peerOf("2001:db8:0:7:ffff::2")).to.equal(network);
    expect(peerOf("2001:db8:0:7:1:2:3:4")).to.equal(network);
    expect(peerOf("2001:db8:0:8::1")).not.to.equal(network);
    expect(peerOf("2001:db8::7:0:0:0:1")).to.equal("2001:db8:0:7::/64");
    expect(peerOf("::1")).to.equal("0:0:0:0::/64");
    expect(peerOf("fe80::1%eth0")).to.equal("fe80:0:0:0::/64");
  });

  it("has one place for peers without an address", () => {
    expect(peerOf(undefined)).to.equal("unknown");
  });
});
