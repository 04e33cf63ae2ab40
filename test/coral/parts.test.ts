import { multiaddr } from "@multiformats/multiaddr";
import { expect } from "chai";
import fc from "fast-check";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Hex } from "viem";
import { Bootstrap, parseMultiaddrs } from "../../src/coral/p2p/bootstrap.ts";
import { connectionGater } from "../../src/coral/p2p/gater.ts";
import { peerKey } from "../../src/coral/p2p/peerKey.ts";
import { StoreQueue } from "../../src/coral/p2p/storeQueue.ts";
import {
  allTopics,
  decodePush,
  dhtKey,
  encodePush,
  parseDhtKey,
  topicOf,
} from "../../src/coral/p2p/wire.ts";
import { bytesToHex } from "../../src/protocol/bytes.ts";
import { bytes, hash } from "../support/arbitraries.ts";
import { CHAIN_ID, REGISTRY } from "../support/coralKit.ts";
import { FakeTimers } from "../support/fakeTime.ts";
import { MemoryLog } from "../support/memoryLog.ts";
import { expectCode } from "../support/expectCode.ts";
import { rejection } from "../support/rejection.ts";

const network = { chainId: CHAIN_ID, registry: REGISTRY };
const kinds = ["endpoint", "name", "revocation"] as const;

describe("names on the wire", () => {
  it("keys and pushes read back, and nothing else is one", () => {
    fc.assert(
      fc.property(fc.constantFrom(...kinds), hash, bytes(80), (kind, place, data) => {
        expect(parseDhtKey(dhtKey(kind, place))).to.deep.equal({ kind, place });
        const encoded = bytesToHex(data);
        const push = decodePush(encodePush(kind, encoded));
        expect([push?.kind, push && bytesToHex(push.encoded)]).to.deep.equal([kind, encoded]);
        expect(parseDhtKey(data)).to.equal(undefined);
      }),
    );
    for (const first of [0, 4, 255])
      expect(decodePush(new Uint8Array([first]))).to.equal(undefined);
    expect(decodePush(new Uint8Array())).to.equal(undefined);
  });

  it("each service has one of 256 topics, of its deployment", () => {
    const topics = allTopics(network);
    expect(new Set(topics).size).to.equal(256);
    fc.assert(
      fc.property(hash, (id) => {
        expect(topics).to.include(topicOf(network, id));
        expect(topicOf({ ...network, chainId: 1 }, id)).not.to.equal(topicOf(network, id));
      }),
    );
    expect(topics[10]).to.equal(`/blockcloud/1/31337/${REGISTRY.toLowerCase()}/0a`);
  });
});

describe("StoreQueue", () => {
  let timers: FakeTimers;
  const queueOf = (atOnce: number) => {
    timers = new FakeTimers();
    return new StoreQueue({ atOnce, settleMs: 10 }, timers);
  };
  const place = (n: number): Hex => `0x${n}`;

  it("stores for a place one at a time, and of what waits the newest alone", async () => {
    const queue = queueOf(5);
    const gates = Array.from({ length: 5 }, () => Promise.withResolvers<number>());
    const begun: number[] = [];
    const add = (index: number) =>
      queue.add(place(1), () => {
        begun.push(index);
        return gates[index]!.promise;
      });
    const early = [add(0), add(1)];
    expect(begun).to.deep.equal([]);
    await timers.advance(10);
    expect(begun).to.deep.equal([1]);
    const late = [add(2), add(3), add(4)];
    await timers.advance(10);
    expect(begun).to.deep.equal([1]);
    gates[1]!.resolve(7);
    expect(await Promise.all(early)).to.deep.equal([7, 7]);
    await timers.advance(0);
    expect(begun).to.deep.equal([1, 4]);
    gates[4]!.resolve(9);
    expect(await Promise.all(late)).to.deep.equal([9, 9, 9]);
  });

  it("stores a few places at once, and drops what waits when it stops", async () => {
    const queue = queueOf(2);
    const gate = Promise.withResolvers<number>();
    let begun = 0;
    const stores = [1, 2, 3].map((n) =>
      queue.add(place(n), () => {
        begun += 1;
        return gate.promise;
      }),
    );
    await timers.advance(10);
    expect(begun).to.equal(2);
    const stopped = queue.stop();
    gate.resolve(1);
    await stopped;
    expect(await Promise.all(stores)).to.deep.equal([1, 1, 0]);
    expect(await queue.add(place(4), () => gate.promise)).to.equal(0);
    expect(begun).to.equal(2);
  });
});

describe("connectionGater", () => {
  const peer = { toString: () => "p" } as never;
  const gater = (allowPrivate: boolean, cut = false) =>
    connectionGater(
      {
        allowPrivate,
        trusted: [
          multiaddr(
            "/dns4/boot.example/tcp/4170/p2p/12D3KooWSmqRhPHaXzNBxQ4RTVCTcyBRSPtfDJqdN1NYXYKYK8LY",
          ),
        ],
      },
      { isCut: () => cut },
    );
  const denied = (gate: ReturnType<typeof gater>, text: string) =>
    gate.denyDialMultiaddr?.(multiaddr(text));

  it("dials public addresses of strangers, and what the operator named", () => {
    for (const address of [
      "/ip4/9.9.9.9/tcp/4170",
      "/ip6/2620:fe::fe/tcp/4170",
      "/dns4/boot.example/tcp/4170",
    ]) {
      expect(denied(gater(false), address), address).to.equal(false);
    }
  });

  it("dials nothing within this host and its network, and no stranger's name, unless told so", () => {
    for (const address of [
      "/ip4/127.0.0.1/tcp/4170",
      "/ip4/10.0.0.1/tcp/4170",
      "/ip4/169.254.169.254/tcp/80",
      "/ip6/::1/tcp/4170",
      "/ip6/::ffff:127.0.0.1/tcp/4170",
      "/dns4/localhost/tcp/4170",
      "/dns4/boot.example/tcp/22",
      "/dnsaddr/evil.example",
    ]) {
      expect(denied(gater(false), address), address).to.equal(true);
      expect(denied(gater(true), address), address).to.equal(false);
    }
  });

  it("neither dials nor accepts a peer that was cut off", () => {
    for (const cut of [true, false]) {
      expect(gater(true, cut).denyDialPeer?.(peer)).to.equal(cut);
      expect(gater(true, cut).denyInboundEncryptedConnection?.(peer, {} as never)).to.equal(cut);
    }
  });
});

describe("Bootstrap", () => {
  it("dials disconnected nodes at increasing intervals", async () => {
    const timers = new FakeTimers();
    const dialled: number[] = [];
    let connected = false;
    const address = multiaddr("/ip4/127.0.0.1/tcp/4170");
    const bootstrap = new Bootstrap([address], {
      libp2p: {
        dial: () => {
          dialled.push(timers.monotonic());
          return Promise.reject(new Error("refused"));
        },
        getConnections: () =>
          connected ? [{ remotePeer: { toString: () => "p" }, remoteAddr: address } as never] : [],
      },
      timers,
      log: new MemoryLog(),
    });
    await bootstrap.start();
    await bootstrap.tried;
    await timers.advance(20_000);
    expect(dialled).to.deep.equal([0, 1_000, 3_000, 7_000, 15_000]);
    connected = true;
    await timers.advance(100_000);
    expect(dialled).to.have.length(5);
    connected = false;
    await timers.advance(61_000);
    expect(dialled.length).to.be.above(5);
    await bootstrap.stop();
  });

  it("does not take a connection to port 41701 for one to port 4170", async () => {
    const timers = new FakeTimers();
    let dials = 0;
    const connected = multiaddr("/ip4/127.0.0.1/tcp/41701");
    const bootstrap = new Bootstrap([multiaddr("/ip4/127.0.0.1/tcp/4170"), connected], {
      libp2p: {
        dial: (address) => {
          expect(String(address)).to.equal("/ip4/127.0.0.1/tcp/4170");
          dials += 1;
          return Promise.reject(new Error("refused"));
        },
        getConnections: () => [
          { remotePeer: { toString: () => "p" }, remoteAddr: connected } as never,
        ],
      },
      timers,
      log: new MemoryLog(),
    });
    await bootstrap.start();
    await bootstrap.tried;
    await timers.advance(1_000);
    expect(dials).to.equal(2);
    await bootstrap.stop();
  });
});

describe("parseMultiaddrs", () => {
  const ID = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA";

  it("takes what a node can dial over TCP", () => {
    const good = [
      "/ip4/203.0.113.7/tcp/4170",
      `/ip4/203.0.113.7/tcp/4170/p2p/${ID}`,
      `/ip6/2001:db8::1/tcp/4170/p2p/${ID}`,
      "/ip6zone/eth0/ip6/fe80::1/tcp/4170",
      `/dns/node.example/tcp/4170/p2p/${ID}`,
      `/dnsaddr/node.example/p2p/${ID}`,
      "/dns4/node.example/tcp/4170/p2p/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N",
    ];
    expect(parseMultiaddrs(good).map(String)).to.deep.equal(good);
  });

  it("refuses what no dial could ever reach", () => {
    for (const text of [
      "",
      "/",
      "/ip4/203.0.113.7",
      "/ip4/203.0.113.7/udp/4170/quic-v1",
      "/ip4/203.0.113.7/tcp/4170/ws",
      "/ip4/203.0.113.7/tcp/4170/p2p/xyz",
      "/ip4/203.0.113.7/tcp/65536",
      `/p2p/${ID}`,
      `/ip4/203.0.113.7/tcp/4170/p2p/${ID}/p2p-circuit`,
      "203.0.113.7:4170",
    ]) {
      expectCode("CORAL_ADDRESS_INVALID", () => parseMultiaddrs([text]));
    }
  });
});

describe("peerKey", () => {
  it("never shows a malformed key, and reads none that others may read", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "coral-"));
    const file = path.join(folder, "peer.key");
    try {
      const secret = "c2VjcmV0IHBhcnQgb2YgYSBrZXk=";
      writeFileSync(file, secret, { mode: 0o600 });
      const error = await rejection("KEY_MALFORMED", peerKey(file));
      expect(`${error.message} ${String(error.cause)}`).not.to.include(secret.slice(0, 8));
      rmSync(file);
      writeFileSync(file, secret, { mode: 0o644 });
      await rejection("KEY_FILE_OPEN", peerKey(file));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
