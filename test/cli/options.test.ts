import { expect } from "chai";
import { InvalidArgumentError } from "commander";
import {
  address,
  hostAndPort,
  httpUrl,
  serviceNumber,
  urlList,
  wholeNumber,
} from "../../src/cli/options.ts";

function refuses(read: (text: string) => unknown, texts: readonly string[]): void {
  for (const text of texts) expect(() => read(text), text).to.throw(InvalidArgumentError);
}

describe("options", () => {
  it("read whole numbers within bounds", () => {
    const read = wholeNumber(1, 200);
    expect([read("1"), read("24"), read("200")]).to.deep.equal([1, 24, 200]);
    refuses(read, ["0", "201", "-1", "1.5", "1e2", "0x10", "", " 1", "one", "Infinity"]);
    refuses(wholeNumber(1), [`${2 ** 60}`]);
    expect(() => read("0")).to.throw("Give a whole number from 1 to 200.");
  });

  it("read service numbers", () => {
    expect([serviceNumber("1"), serviceNumber("99999999999")]).to.deep.equal([1n, 99_999_999_999n]);
    refuses(serviceNumber, ["0", "00", "-1", "1.0", "", "0x1", "100000000000", "weather"]);
  });

  it("read a list of URLs from a flag that is repeated and from commas", () => {
    expect(urlList("http://a, https://b")).to.deep.equal(["http://a", "https://b"]);
    expect(urlList("http://c", ["http://a"])).to.deep.equal(["http://a", "http://c"]);
  });

  it("read URLs that a client can reach over HTTP", () => {
    expect(httpUrl("http://127.0.0.1:3000").origin).to.equal("http://127.0.0.1:3000");
    expect(httpUrl("https://weather.example/a").href).to.equal("https://weather.example/a");
    refuses(httpUrl, ["", "weather.example", "ftp://a", "file:///etc", "http://", "//a"]);
    refuses(httpUrl, ["http://user@a.example", "https://user:pass@a.example", "http://:p@a"]);
  });

  it("read addresses in any case, and give them their checksum", () => {
    const checksummed = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
    expect(address(checksummed)).to.equal(checksummed);
    expect(address(checksummed.toLowerCase())).to.equal(checksummed);
    refuses(address, ["", "0x", checksummed.slice(0, -1), `${checksummed}0`, checksummed.slice(2)]);
  });

  it("read a host and a port, also of IPv6", () => {
    expect(hostAndPort("0.0.0.0:8080")).to.deep.equal({ host: "0.0.0.0", port: 8_080 });
    expect(hostAndPort("[::1]:0")).to.deep.equal({ host: "::1", port: 0 });
    expect(hostAndPort("localhost:65535")).to.deep.equal({ host: "localhost", port: 65_535 });
    refuses(hostAndPort, ["", "8080", ":8080", "a:", "a:65536", "a:-1", "a:b", "a:1234567"]);
  });
});
