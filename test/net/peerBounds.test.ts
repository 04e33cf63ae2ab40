import { expect } from "chai";
import { networkOf, peerOf } from "../../src/net/peer.ts";
import { PeerBounds } from "../../src/net/peerBounds.ts";

describe("PeerBounds", () => {
  it("bounds an address, a network and the total, each by its own limit", () => {
    const held = new PeerBounds({ total: 12, perPeer: 2 });
    const add = (address: string) => {
      const reached = held.reached(address);
      if (reached === undefined) held.add(address);
      return reached ?? "added";
    };
    expect(["a", "b", "c"].map(() => add("192.0.2.1"))).to.deep.equal(["added", "added", "peer"]);
    const neighbours = [2, 2, 3, 3, 4, 4, 5].map((last) => add(`192.0.2.${last}`));
    expect(neighbours).to.deep.equal([...Array<string>(6).fill("added"), "network"]);
    for (const last of [1, 1, 2, 2]) expect(add(`198.51.100.${last}`)).to.equal("added");
    expect(add("203.0.113.1")).to.equal("total");
    expect(held.size).to.equal(12);
    held.remove("192.0.2.1");
    expect(add("192.0.2.5")).to.equal("added");
  });

  it("has no bound where the limit is 0", () => {
    const held = new PeerBounds({ total: 0, perPeer: 0 });
    for (let i = 0; i < 1_000; i++) held.add("192.0.2.1");
    expect(held.reached("192.0.2.1")).to.equal(undefined);
  });

  it("counts amounts, and lets one amount pass the limit", () => {
    const held = new PeerBounds({ total: 100, perPeer: 20 });
    held.add("192.0.2.1", 19);
    expect(held.reached("192.0.2.1")).to.equal(undefined);
    held.add("192.0.2.1", 60);
    expect(held.reached("192.0.2.1")).to.equal("peer");
    expect(held.reached("192.0.2.2")).to.equal(undefined);
    held.add("192.0.2.2", 1);
    expect(held.reached("192.0.2.3")).to.equal("network");
    held.remove("192.0.2.1", 79);
    expect([held.size, held.reached("192.0.2.1")]).to.deep.equal([1, undefined]);
  });

  it("counts an IPv6 /64 as one peer and a /48 as one network", () => {
    expect(peerOf("2001:db8:1:2::5")).to.equal(peerOf("2001:db8:1:2:ffff::1"));
    expect(peerOf("2001:db8:1:2::5")).not.to.equal(peerOf("2001:db8:1:3::5"));
    expect(networkOf("2001:db8:1:2::5")).to.equal(networkOf("2001:db8:1:ffff::1"));
    expect(networkOf("2001:db8:1::5")).not.to.equal(networkOf("2001:db8:2::5"));
    expect(networkOf("::ffff:192.0.2.1")).to.equal(networkOf("192.0.2.200"));
    expect(networkOf("192.0.2.1")).not.to.equal(networkOf("192.0.3.1"));
  });
});
