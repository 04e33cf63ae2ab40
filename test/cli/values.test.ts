import { expect } from "chai";
import type { z } from "zod";
import {
  address,
  hostAndPort,
  httpUrl,
  serviceNumber,
  blocAmount,
  gweiAmount,
  onOff,
  rpcUrl,
  wholeNumber,
} from "../../src/cli/framework/values.ts";

function refuses(kind: z.ZodType<unknown, string>, texts: readonly string[]): void {
  for (const text of texts) expect(kind.safeParse(text).success, text).to.equal(false);
}

describe("values", () => {
  it("read whole numbers within bounds", () => {
    const read = wholeNumber(1, 200);
    expect([read.parse("1"), read.parse("24"), read.parse("200")]).to.deep.equal([1, 24, 200]);
    refuses(read, ["0", "201", "-1", "1.5", "1e2", "0x10", "", " 1", "one", "Infinity"]);
    refuses(wholeNumber(1), [`${2 ** 60}`]);
    expect(() => read.parse("0")).to.throw("Give a whole number from 1 to 200.");
  });

  it("read service numbers", () => {
    expect([serviceNumber.parse("1"), serviceNumber.parse("99999999999")]).to.deep.equal([
      1n,
      99_999_999_999n,
    ]);
    refuses(serviceNumber, ["0", "00", "-1", "1.0", "", "0x1", "100000000000", "weather"]);
  });

  it("read amounts to the wei, and gas prices to the wei", () => {
    expect([blocAmount.parse("1000"), blocAmount.parse("0.5")]).to.deep.equal([
      10n ** 21n,
      5n * 10n ** 17n,
    ]);
    expect(gweiAmount.parse("0.05")).to.equal(50_000_000n);
    refuses(blocAmount, ["", "-1", "1e3", "1,5", ".5", "1.", `0.${"1".repeat(19)}`]);
    refuses(gweiAmount, ["", "-1", "1e3", `0.${"1".repeat(10)}`]);
  });

  it("read switches", () => {
    expect([onOff.parse("true"), onOff.parse("0")]).to.deep.equal([true, false]);
    refuses(onOff, ["", "yes", "TRUE", "2"]);
  });

  it("read RPC endpoints, also with credentials", () => {
    expect(rpcUrl.parse("https://user:pass@a.example/key")).to.contain("a.example/key");
    refuses(rpcUrl, ["", "a.example", "ws://a.example", "http://"]);
  });

  it("read URLs that a client can reach over HTTP", () => {
    expect(httpUrl.parse("http://127.0.0.1:3000").origin).to.equal("http://127.0.0.1:3000");
    expect(httpUrl.parse("https://weather.example/a").href).to.equal("https://weather.example/a");
    refuses(httpUrl, ["", "weather.example", "ftp://a", "file:///etc", "http://", "//a"]);
    refuses(httpUrl, ["http://user@a.example", "https://user:pass@a.example", "http://:p@a"]);
  });

  it("read addresses in any case, and give them their checksum", () => {
    const checksummed = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
    expect(address.parse(checksummed)).to.equal(checksummed);
    expect(address.parse(checksummed.toLowerCase())).to.equal(checksummed);
    expect(address.parse(`0x${checksummed.slice(2).toUpperCase()}`)).to.equal(checksummed);
    const mistyped = address.safeParse("0xbDA5747bFD65F08deb54cb465eB87D40e51B1970");
    expect(mistyped.error?.issues[0]?.message).to.contain("checksum");
    refuses(address, ["", "0x", checksummed.slice(0, -1), `${checksummed}0`, checksummed.slice(2)]);
  });

  it("read a host and a port, also of IPv6", () => {
    expect(hostAndPort.parse("0.0.0.0:8080")).to.deep.equal({ host: "0.0.0.0", port: 8_080 });
    expect(hostAndPort.parse("[::1]:0")).to.deep.equal({ host: "::1", port: 0 });
    expect(hostAndPort.parse("localhost:65535")).to.deep.equal({ host: "localhost", port: 65_535 });
    expect(hostAndPort.parse("[fe80::1%eth0]:53").host).to.equal("fe80::1%eth0");
    // An IPv6 address without a port, or with one that cannot be told from it.
    refuses(hostAndPort, ["::1", "2001:db8::8080", "::1:8080", "[::1]", "[::1:80", "::1]:80"]);
    // An empty host would listen on all addresses.
    refuses(hostAndPort, ["[]:80", "[127.0.0.1]:80", "[a]:80"]);
    refuses(hostAndPort, ["http://a:80", "a/b:80", "*:80", " a:80", "a b:80", "a:80 "]);
    refuses(hostAndPort, ["", "8080", ":8080", "a:", "a:65536", "a:-1", "a:b", "a:1234567"]);
  });
});
