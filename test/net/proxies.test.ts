import { expect } from "chai";
import { parseCidr, type Cidr } from "../../src/net/cidr.ts";
import { TrustedProxies } from "../../src/net/proxies.ts";

const cidr = (text: string): Cidr => parseCidr(text) ?? expect.fail(`${text} is a range`);
const proxies = new TrustedProxies(["10.0.0.0/8", "2001:db8:1::/48"].map(cidr));

/** The client of a request from a peer. */
function clientOf(peer: string, headers: Record<string, string> = {}) {
  return proxies.clientOf({ headers, socket: { remoteAddress: peer } });
}

describe("TrustedProxies", () => {
  it("believes nothing that a stranger says", () => {
    const headers = {
      "x-forwarded-for": "192.0.2.9",
      "x-forwarded-proto": "https",
      "x-forwarded-host": "bank.example",
      forwarded: "for=192.0.2.9;proto=https;host=bank.example",
    };
    expect(clientOf("198.51.100.1", headers)).to.deep.equal({
      ...{ address: "198.51.100.1", hops: ["198.51.100.1"], scheme: "http", host: undefined },
    });
    expect(new TrustedProxies([]).trusts("10.0.0.1")).to.equal(false);
  });

  it("takes a trusted proxy's word for address, scheme and host", () => {
    const headers = {
      "x-forwarded-for": "198.51.100.1",
      "x-forwarded-proto": "https",
      "x-forwarded-host": "weather.example:8443",
    };
    const client = {
      ...{ address: "198.51.100.1", scheme: "https", host: "weather.example:8443" },
    };
    expect(clientOf("10.0.0.1", headers)).to.deep.equal({
      ...{ ...client, hops: ["198.51.100.1", "10.0.0.1"] },
    });
    expect(clientOf("::ffff:10.0.0.1", headers)).to.deep.include(client);
    expect(clientOf("2001:db8:1::7", headers)).to.deep.include(client);
  });

  it("reads a chain from the right, and stops at the first address that no trusted proxy vouches for", () => {
    const headers = {
      "x-forwarded-for": "192.0.2.66, 198.51.100.1, 10.0.0.2",
      "x-forwarded-proto": "gopher, https, http",
      "x-forwarded-host": "forged, weather.example, inner",
    };
    expect(clientOf("10.0.0.1", headers)).to.deep.equal({
      ...{ address: "198.51.100.1", scheme: "https", host: "weather.example" },
      hops: ["198.51.100.1", "10.0.0.2", "10.0.0.1"],
    });
  });

  it("reads addresses with ports and brackets, and does not go beyond a hidden one", () => {
    for (const [text, address] of [
      ["198.51.100.1:4711", "198.51.100.1"],
      ["[2001:DB8:2::1]:4711", "2001:db8:2::1"],
      ["2001:db8:2::1", "2001:db8:2::1"],
      ["::ffff:198.51.100.1", "198.51.100.1"],
      ["unknown", "10.0.0.1"],
      ["", "10.0.0.1"],
      ["198.51.100.1, _hidden", "10.0.0.1"],
      ["198.51.100.999", "10.0.0.1"],
      ["10.0.0.3", "10.0.0.3"],
    ]) {
      const client = clientOf("10.0.0.1", { "x-forwarded-for": text ?? "" });
      expect(client.address, text).to.equal(address);
    }
  });

  it("reads Forwarded, quoted as it may be", () => {
    const forwarded =
      'for="[2001:db8:2::66]", For="198.51.100.1:80";proto=HTTPS;host="weather.example";x="a,b;c", for=10.0.0.2;proto=http';
    expect(clientOf("10.0.0.1", { forwarded })).to.deep.equal({
      ...{ address: "198.51.100.1", scheme: "https", host: "weather.example" },
      hops: ["198.51.100.1", "10.0.0.2", "10.0.0.1"],
    });
    for (const broken of ['for="', "for", ";,;", '"'.repeat(40), "x".repeat(3_000)]) {
      expect(clientOf("10.0.0.1", { forwarded: broken }).address, broken).to.equal("10.0.0.1");
    }
  });

  it("counts the proxy itself when its two fields contradict each other", () => {
    const headers = {
      "x-forwarded-for": "198.51.100.1",
      "x-forwarded-proto": "https",
      forwarded: "for=192.0.2.66",
    };
    expect(clientOf("10.0.0.1", headers)).to.deep.include({
      ...{ address: "10.0.0.1", hops: ["10.0.0.1"], scheme: "https" },
    });
    const same = { ...headers, forwarded: "for=198.51.100.1" };
    expect(clientOf("10.0.0.1", same).address).to.equal("198.51.100.1");
    const silent = { ...headers, forwarded: "proto=https" };
    expect(clientOf("10.0.0.1", silent).address).to.equal("198.51.100.1");
  });

  it("takes one scheme and host for the whole chain, and no host that is none", () => {
    const one = { "x-forwarded-for": "198.51.100.1, 10.0.0.2", "x-forwarded-proto": "https" };
    expect(clientOf("10.0.0.1", one).scheme).to.equal("https");
    expect(clientOf("10.0.0.1", { "x-forwarded-proto": "https" }).scheme).to.equal("https");
    const odd = { "x-forwarded-host": "a b/c@d", "x-forwarded-proto": "javascript" };
    expect(clientOf("10.0.0.1", odd)).to.include({ host: undefined, scheme: "http" });
  });
});

describe("parseCidr", () => {
  it("reads ranges and single addresses", () => {
    expect(parseCidr("192.0.2.0/24")).to.deep.equal({
      ...{ address: "192.0.2.0", prefix: 24, family: "ipv4" },
    });
    expect(parseCidr("::1")).to.deep.equal({ address: "::1", prefix: 128, family: "ipv6" });
    expect(parseCidr("127.0.0.1")?.prefix).to.equal(32);
  });

  it("refuses everything else", () => {
    for (const text of ["", "/8", "10.0.0.0/33", "::/129", "10.0.0/8", "a/8", "10.0.0.1/", "x"]) {
      expect(parseCidr(text), text).to.equal(undefined);
    }
  });
});
