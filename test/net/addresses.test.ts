import { expect } from "chai";
import { isReachable } from "../../src/net/addresses.ts";

/** First and last address of each range that must not be reached, and the neighbours that may. */
const ranges: [string, string, string, (string | undefined)?, string?][] = [
  ["this network", "0.0.0.0", "0.255.255.255", undefined, "1.0.0.0"],
  ["private 10/8", "10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0"],
  ["carrier-grade NAT", "100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0"],
  ["loopback", "127.0.0.0", "127.255.255.255", "126.255.255.255", "128.0.0.0"],
  ["link-local", "169.254.0.0", "169.254.255.255", "169.253.255.255", "169.255.0.0"],
  ["private 172.16/12", "172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0"],
  ["protocol assignments", "192.0.0.0", "192.0.0.255", "191.255.255.255", "192.0.1.0"],
  ["documentation 1", "192.0.2.0", "192.0.2.255", "192.0.1.255", "192.0.3.0"],
  ["6to4 relay anycast", "192.88.99.0", "192.88.99.255", "192.88.98.255", "192.88.100.0"],
  ["private 192.168/16", "192.168.0.0", "192.168.255.255", "192.167.255.255", "192.169.0.0"],
  ["benchmarking", "198.18.0.0", "198.19.255.255", "198.17.255.255", "198.20.0.0"],
  ["documentation 2", "198.51.100.0", "198.51.100.255", "198.51.99.255", "198.51.101.0"],
  ["documentation 3", "203.0.113.0", "203.0.113.255", "203.0.112.255", "203.0.114.0"],
  ["multicast to broadcast", "224.0.0.0", "255.255.255.255", "223.255.255.255"],
  ["what no registry gives out", "::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["IPv4-compatible", "::1.0.0.0", "::ffff:ffff"],
  ["IPv4-translated (SIIT)", "::ffff:0:0.0.0.0", "::ffff:0:ffff:ffff"],
  ["NAT64", "64:ff9b::", "64:ff9b::ffff:ffff"],
  ["local NAT64", "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"],
  ["discard", "100::", "100::ffff:ffff:ffff:ffff"],
  ["protocol assignments, Teredo", "2001::", "2001:1ff:ffff::", "2000:ffff::", "2001:200::"],
  ["documentation", "2001:db8::", "2001:db8:ffff::", "2001:db7:ffff::", "2001:db9::"],
  ["6to4", "2002::", "2002:ffff::", "2001:ffff::", "2003::"],
  ["documentation, RFC 9637", "3fff::", "3fff:fff:ffff::", "3ffe:ffff::", "3fff:1000::"],
  ["beyond global unicast", "4000::", "fbff:ffff::", "3fff:ffff:ffff::"],
  ["segment routing", "5f00::", "5f00:ffff::"],
  ["unique local", "fc00::", "fdff:ffff::"],
  ["IPv6 link-local", "fe80::", "febf:ffff::"],
  ["site-local", "fec0::", "feff:ffff::"],
  ["IPv6 multicast", "ff00::", "ffff:ffff::"],
];

describe("isReachable", () => {
  for (const [name, first, last, before, after] of ranges) {
    it(`refuses ${name}, from end to end and not further`, () => {
      for (const address of [first, last]) {
        expect(isReachable(address, false), address).to.equal(false);
      }
      for (const address of [before, after]) {
        if (address !== undefined) expect(isReachable(address, false), address).to.equal(true);
      }
    });
  }

  for (const address of ["8.8.8.8", "93.184.215.14", "2606:4700::1111", "2a00:1450:4001::200e"]) {
    it(`reaches ${address}`, () => {
      expect(isReachable(address, false)).to.equal(true);
    });
  }

  it("checks an IPv4-mapped IPv6 address as the IPv4 address", () => {
    for (const [, first, last] of ranges.filter(([, address]) => !address.includes(":"))) {
      for (const address of [first, last]) {
        const bytes = address.split(".").map(Number);
        const [a = 0, b = 0, c = 0, d = 0] = bytes;
        const hex = `::ffff:${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
        for (const clothed of [`::ffff:${address}`, hex, `0:0:0:0:0:FFFF:${address}`]) {
          expect(isReachable(clothed, false), clothed).to.equal(false);
        }
      }
    }
    expect(isReachable("::ffff:8.8.8.8", false)).to.equal(true);
    expect(isReachable("::ffff:808:808", false)).to.equal(true);
  });

  it("refuses what carries a private IPv4 address inside", () => {
    for (const address of [
      "::127.0.0.1",
      "::7f00:1",
      "::ffff:0:127.0.0.1",
      "64:ff9b::127.0.0.1",
      "64:ff9b::a9fe:a9fe",
      "2002:7f00:1::",
      "2001:0:7f00:1::",
    ]) {
      expect(isReachable(address, true), address).to.equal(false);
    }
  });

  it("refuses text that is not a plain address", () => {
    for (const text of [
      ["", "localhost", "example.com", "127.1", "0x7f.0.0.1", "2130706433"],
      ["[::1]", "[2606:4700::1111]", "8.8.8.8:80", " 8.8.8.8", "8.8.8.8\0"],
      ["fe80::1%lo", "::1%lo", "2606:4700::1111%eth0"],
    ].flat()) {
      expect(isReachable(text, true), text).to.equal(false);
    }
  });

  describe("with the devnet switch", () => {
    it("reaches loopback", () => {
      for (const address of ["127.0.0.1", "127.0.0.53", "127.255.255.255", "::1"]) {
        expect(isReachable(address, false), address).to.equal(false);
        expect(isReachable(address, true), address).to.equal(true);
      }
    });

    it("opens nothing else", () => {
      const loopback = new Set(["loopback", "what no registry gives out"]);
      for (const [name, first, last] of ranges.filter(([name]) => !loopback.has(name))) {
        for (const address of [first, last]) {
          expect(isReachable(address, true), `${name} ${address}`).to.equal(false);
        }
      }
      for (const address of ["::", "::2", "::ffff:127.0.0.1", "128.0.0.1"]) {
        expect(isReachable(address, true), address).to.equal(address === "128.0.0.1");
      }
    });
  });
});
