import { expect } from "chai";
import type { LookupAddress } from "node:dns";
import type { NetworkInterfaceInfo } from "node:os";
import { netRequest } from "../../src/net/request.ts";
import type { Resolve } from "../../src/net/resolve.ts";
import { isOwnAddress } from "../../src/node/interfaces.ts";
import { ProviderRig } from "../support/providerRig.ts";
import { rejection } from "../support/rejection.ts";

function get(
  url: URL,
  allowLoopback: boolean,
  resolve?: Resolve,
  isOwn?: (address: string) => boolean,
) {
  return netRequest(
    { method: "GET", url, headers: {}, body: new Uint8Array() },
    { timeMs: 30_000, maxBytes: 1_000, allowLoopback },
    new AbortController().signal,
    resolve,
    isOwn,
  );
}

const base = { netmask: "", mac: "", internal: false, cidr: null };
/** A host with public addresses. */
const interfaces: Record<string, NetworkInterfaceInfo[]> = {
  eth0: [
    { ...base, address: "8.8.8.8", family: "IPv4" },
    { ...base, address: "fe80::1", family: "IPv6", scopeid: 2 },
  ],
  eth1: [{ ...base, address: "2600::1", family: "IPv6", scopeid: 0 }],
};

describe("netRequest: where it connects to", () => {
  const rig = new ProviderRig();
  let port: string;
  let connections: number;

  beforeEach(async () => {
    connections = 0;
    const { url, server } = await rig.upstream((_, response) => response.end("reached"));
    server.on("connection", () => connections++);
    port = url.port;
  });
  afterEach(() => rig.close());

  const literals = [
    ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.0.0.1."],
    ["0.0.0.0", "0", "10.0.0.1", "169.254.169.254", "192.168.0.1", "255.255.255.255"],
    ["[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[fd00::1]"],
    ["[64:ff9b::127.0.0.1]", "[2002:7f00:1::]", "[fe80::1]"],
  ].flat();
  for (const host of literals) {
    it(`refuses ${host}`, async () => {
      for (const scheme of ["http", "https"]) {
        await rejection("NET_REFUSED", get(new URL(`${scheme}://${host}:${port}/`), false));
      }
      expect(connections).to.equal(0);
    });
  }

  for (const scheme of ["ftp", "file", "sal", "tcp", "data", "unix", "ws"]) {
    it(`refuses the scheme ${scheme}`, async () => {
      await rejection("NET_REFUSED", get(new URL(`${scheme}://127.0.0.1/`), true));
      expect(connections).to.equal(0);
    });
  }

  for (const bad of [0, 1, 22, 25, 53, 110, 143, 587, 6000, 6667]) {
    it(`refuses port ${bad}, where something else than HTTP listens`, async () => {
      const url = new URL(`http://127.0.0.1:${bad}/`);
      await rejection("NET_REFUSED", get(url, true));
      await rejection("NET_REFUSED", get(new URL(`https://a.example:${bad}/`), true));
    });
  }

  it("refuses this host's own public addresses, by address and by name", async () => {
    const own = (address: string) => isOwnAddress(address, () => interfaces);
    const hosts = ["8.8.8.8", "[::ffff:8.8.8.8]", "[::ffff:808:808]", "[2600::1]", "[2600:0:0::1]"];
    for (const host of hosts) {
      await rejection(
        "NET_REFUSED",
        get(new URL(`http://${host}:${port}/`), false, undefined, own),
      );
    }
    const named: Resolve = () =>
      Promise.resolve([
        { address: "8.8.8.8", family: 4 },
        { address: "2600::1", family: 6 },
      ]);
    await rejection("NET_REFUSED", get(new URL("http://a.example/"), false, named, own));
    expect(connections).to.equal(0);
    // With the devnet switch, an address of this host is no reason to refuse.
    const answer = await get(new URL(`http://127.0.0.1:${port}/`), true, undefined, () => true);
    expect(answer.body.toString()).to.equal("reached");
  });

  it("knows this host's addresses on each interface, and no other host's", () => {
    const own = (address: string) => isOwnAddress(address, () => interfaces);
    for (const address of ["8.8.8.8", "::ffff:8.8.8.8", "2600::1", "fe80::1", "fe80::1%eth0"]) {
      expect(own(address), address).to.equal(true);
    }
    for (const address of ["8.8.8.9", "::ffff:8.8.8.9", "2600::2", "::808:808", "a.example", ""]) {
      expect(own(address), address).to.equal(false);
    }
    expect(isOwnAddress("127.0.0.1")).to.equal(true);
  });

  it("reaches loopback, by address and by name, only with the devnet switch", async () => {
    for (const host of ["127.0.0.1", "localhost"]) {
      const url = new URL(`http://${host}:${port}/`);
      await rejection("NET_REFUSED", get(url, false));
      expect(connections).to.equal(0);
      expect((await get(url, true)).body.toString()).to.equal("reached");
      connections = 0;
    }
  });

  describe("with a name server in a stranger's hand", () => {
    let answers: LookupAddress[][];
    const resolve: Resolve = async () => {
      const addresses = answers.shift();
      if (addresses === undefined) throw new Error("asked once too often");
      return addresses;
    };

    const named = () => new URL(`http://rebound.example:${port}/`);
    const v4 = (address: string) => ({ address, family: 4 });
    const v6 = (address: string) => ({ address, family: 6 });

    it("asks for a name once, and connects to the address that it checked", async () => {
      answers = [[v4("127.0.0.1")], [v4("10.0.0.1")]];
      expect((await get(named(), true, resolve)).body.toString()).to.equal("reached");
      expect(answers, "the second answer was not asked for").to.have.length(1);
    });

    it("checks the answer of each request anew", async () => {
      answers = [[v4("127.0.0.1")], [v4("10.0.0.1")]];
      await get(named(), true, resolve);
      await rejection("NET_REFUSED", get(named(), true, resolve));
      expect(connections).to.equal(1);
    });

    it("connects to none of several addresses but those that may be reached", async () => {
      answers = [[v4("10.0.0.1"), v6("fe80::1"), v4("127.0.0.1"), v6("::ffff:10.0.0.1")]];
      expect((await get(named(), true, resolve)).body.toString()).to.equal("reached");
    });

    for (const [what, addresses] of [
      ["a private address", [v4("192.168.1.1")]],
      ["loopback", [v4("127.0.0.1"), v6("::1")]],
      ["loopback in IPv6 clothes", [v6("::ffff:127.0.0.1"), v6("::127.0.0.1")]],
      ["an address with a zone", [v6("fe80::1%lo"), v6("::1%lo")]],
      ["no address", []],
      ["what is no address", [v4("localhost")]],
    ] as const) {
      it(`refuses a name that resolves to ${what}`, async () => {
        answers = [[...addresses]];
        await rejection("NET_REFUSED", get(named(), false, resolve));
        expect(connections).to.equal(0);
      });
    }

    it("fails when the name has no address", async () => {
      answers = [];
      const error = await rejection("NET_FAILED", get(named(), false, resolve));
      expect(error.message).to.contain("asked once too often");
    });
  });
});
