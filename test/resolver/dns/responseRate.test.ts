import { expect } from "chai";
import { ResponseRate } from "../../../src/resolver/dns/responseRate.ts";

describe("ResponseRate", () => {
  const take = (rate: ResponseRate, address: string, times: number, now = 0) =>
    Array.from({ length: times }, () => rate.take(address, now));

  it("allows a burst to a network; then every second answer is short, and the others none", () => {
    const rate = new ResponseRate({ perSecond: 10, burst: 3 }, 1);
    expect(take(rate, "198.51.100.7", 7)).to.deep.equal([
      ...["full", "full", "full"],
      ...["truncated", "none", "truncated", "none"],
    ]);
    expect(take(rate, "198.51.100.9", 1)).to.deep.equal(["truncated"]);
    expect(take(rate, "::ffff:198.51.100.9", 1)).to.deep.equal(["none"]);
    expect(take(rate, "198.51.101.7", 1)).to.deep.equal(["full"]);
    expect(take(rate, "198.51.100.7", 2, 100)).to.deep.equal(["full", "truncated"]);
    expect(take(rate, "198.51.100.7", 4, 3_600_000)).to.deep.equal([
      "full",
      "full",
      "full",
      "none",
    ]);
  });

  it("takes a /64 of IPv6 for a network", () => {
    const rate = new ResponseRate({ perSecond: 10, burst: 1 }, 1);
    expect(take(rate, "2001:db8:0:1::1", 1)).to.deep.equal(["full"]);
    expect(take(rate, "2001:db8:0:1:ffff::2", 1)).to.deep.equal(["truncated"]);
    expect(take(rate, "2001:db8:0:2::1", 1)).to.deep.equal(["full"]);
  });

  it("does not limit loopback, and with a rate of 0 no network", () => {
    const rate = new ResponseRate({ perSecond: 1, burst: 1 }, 1);
    for (const address of ["127.0.0.1", "::1", "::ffff:127.0.0.1"]) {
      expect(new Set(take(rate, address, 5))).to.deep.equal(new Set(["full"]));
    }
    const open = new ResponseRate({ perSecond: 0, burst: 0 }, 1);
    expect(new Set(take(open, "198.51.100.7", 5))).to.deep.equal(new Set(["full"]));
  });
});
