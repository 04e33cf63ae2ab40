import { expect } from "chai";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Hex } from "viem";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import {
  describeArrival,
  FakeAuthority,
  nameRecord,
  revocation,
  rootRecord,
  START,
  subId,
  subRecord,
  testKey,
} from "../support/coralKit.ts";
import { CoralNet, isRecord, type TestNode } from "../support/coralNet.ts";
import { rejection } from "../support/rejection.ts";
import { TcpProxy } from "../support/tcpProxy.ts";
import { PATIENCE_MS } from "../support/until.ts";

const key = testKey(7);
const self = testKey(70);
const id = rootServiceId(7n);
const device = subId(7n, self);
const soon = () => AbortSignal.timeout(PATIENCE_MS);
const record = (issuedAt = START, uri?: string) => rootRecord(7n, key, { issuedAt }, uri);

describe("Coral nodes", () => {
  let net: CoralNet;
  beforeEach(() => {
    net = new CoralNet();
    net.authority.set(7n, key);
  });
  afterEach(() => net.stop());

  const everywhere = (nodes: readonly TestNode[], encoded: Hex) =>
    Promise.all(nodes.map(({ arrival }) => arrival(isRecord(encoded))));

  it("push what one publishes to all others", async () => {
    const nodes: TestNode[] = [];
    for (let i = 0; i < 8; i++) nodes.push(await net.add());
    await Promise.all(nodes.slice(1).map((node) => node.joined()));
    const { peers, stored } = await nodes[3]!.coral.publish("endpoint", record());
    expect(peers).to.be.at.least(1);
    await everywhere(nodes, record());
    expect(await stored).to.be.at.least(1);
    expect(nodes.map(({ coral }) => coral.record(id)?.encoded)).to.deep.equal(
      nodes.map(() => record()),
    );
  });

  it("follow a service that moves 100 times, each to the last place", async () => {
    const [hub, provider, resolver] = [await net.add(), await net.add(), await net.add()];
    await Promise.all([provider.joined(), resolver.joined()]);
    for (let move = 0; move < 100; move++) {
      await provider.coral.publish("endpoint", record(START + move, `https://a${move}.example`));
    }
    await everywhere([hub, resolver], record(START + 99, "https://a99.example"));
    expect(resolver.coral.record(id)?.record.endpoints[0]?.uri).to.equal("https://a99.example");
  });

  it("agree on one of two providers that race with one key", async () => {
    const [hub, a, b] = [await net.add(), await net.add(), await net.add()];
    await Promise.all([a.joined(), b.joined()]);
    const [left, right] = [record(START, "https://l.example"), record(START, "https://r.example")];
    await Promise.allSettled([
      a.coral.publish("endpoint", left),
      b.coral.publish("endpoint", right),
    ]);
    const decide = await net.add();
    await decide.coral.publish("endpoint", left);
    await decide.coral.publish("endpoint", right).catch(() => undefined);
    const winner = decide.coral.record(id)!.encoded;
    await everywhere([hub, a, b], winner);
    for (const { coral } of [hub, a, b]) expect(coral.record(id)?.encoded).to.equal(winner);
  });

  it("find records, names and revocations that were published before they joined", async () => {
    const hub = await net.add();
    const provider = await net.add({ subscribe: false });
    await provider.joined();
    const sub = subRecord(7n, { root: key, self }, { issuedAt: START });
    const name = nameRecord(7n, key, { label: "door", serviceId: device }, { issuedAt: START });
    const gone = testKey(71);
    const goneRecord = subRecord(7n, { root: key, self: gone }, { issuedAt: START });
    for (const [kind, encoded] of [
      ["endpoint", record()],
      ["endpoint", sub],
      ["endpoint", goneRecord],
      ["name", name],
    ] as const) {
      const { stored } = await provider.coral.publish(kind, encoded);
      expect(await stored).to.be.at.least(1);
    }
    const late = await net.add();
    expect((await late.coral.find(id, soon()))?.encoded).to.equal(record());
    expect((await late.coral.find(device, soon()))?.encoded).to.equal(sub);
    expect((await late.coral.findName(id, "door", soon()))?.encoded).to.equal(name);
    expect(await late.coral.findName(id, "window", soon())).to.equal(undefined);

    const back = revocation(key, subId(7n, gone), { issuedAt: START });
    const { stored } = await provider.coral.publish("revocation", back);
    await stored;
    expect(hub.coral.record(subId(7n, gone))).to.equal(undefined);
    const later = await net.add();
    expect(await later.coral.find(subId(7n, gone), soon())).to.equal(undefined);
    expect(later.coral.revokedUpTo(subId(7n, gone))).to.equal(BigInt(START));
  });

  it("work alone, and tell the first that comes what they published meanwhile", async () => {
    const provider = await net.add({ subscribe: false });
    const { peers } = await provider.coral.publish("endpoint", record());
    expect([peers, provider.coral.peers]).to.deep.equal([0, 0]);
    expect(await provider.coral.find(rootServiceId(8n), soon())).to.equal(undefined);
    // As a client of the lookup store it is stored nothing with: only the push reaches it.
    const resolver = await net.add({ clientMode: true });
    await resolver.arrival(isRecord(record()));
  });

  it("tell the publisher why other nodes would refuse a message", async () => {
    const node = await net.add();
    await rejection(
      "RECORD_SIGNER",
      node.coral.publish("endpoint", rootRecord(7n, testKey(1), { issuedAt: START })),
    );
    await node.coral.publish("endpoint", record(START + 1));
    await rejection("RECORD_OLDER", node.coral.publish("endpoint", record()));
  });

  it("drop at once what a replaced key signed, and take what the new one signs", async () => {
    const [provider, resolver] = [await net.add(), await net.add()];
    await resolver.joined();
    await provider.coral.publish("endpoint", record());
    await resolver.arrival(isRecord(record()));
    const next = testKey(77);
    net.authority.set(7n, next);
    net.authority.tell(7n);
    await resolver.arrival(({ kind }) => kind === "dropped");
    expect(resolver.coral.record(id)).to.equal(undefined);
    const renewed = rootRecord(7n, next, { issuedAt: START + 1 });
    await provider.coral.publish("endpoint", renewed);
    await resolver.arrival(isRecord(renewed));
    expect(resolver.arrivals.map(describeArrival)).to.deep.equal([
      `endpoint ${id}`,
      "dropped 7",
      `endpoint ${id}`,
    ]);
  });

  it("go on with what they know while the chain cannot be asked", async () => {
    const away = new FakeAuthority();
    away.set(7n, key);
    const provider = await net.add();
    const resolver = await net.add({}, away);
    await resolver.joined();
    await provider.coral.publish("endpoint", record());
    await resolver.arrival(isRecord(record()));
    away.away = true;
    const asked = new Promise<bigint>((resolve) => {
      away.onAsked = resolve;
    });
    await provider.coral.publish("endpoint", record(START + 1));
    await asked;
    expect(resolver.coral.record(id)?.encoded).to.equal(record());
    away.away = false;
    await provider.coral.publish("endpoint", record(START + 2));
    await resolver.arrival(isRecord(record(START + 2)));
    expect(provider.coral.peers).to.equal(1);
  });

  it("join again after a partition, and receive new messages", async () => {
    const hub = await net.add();
    const proxy = await TcpProxy.to(hub.coral.addresses[0]!);
    const resolver = await net.add({
      listen: [],
      bootstrap: [proxy.address],
      // The one address that the operator named, and no other way round it.
      allowPrivate: false,
    });
    await resolver.joined();
    await hub.coral.publish("endpoint", record());
    await resolver.arrival(isRecord(record()));
    const parted = resolver.parted();
    proxy.cut();
    await parted;
    const { peers } = await hub.coral.publish("endpoint", record(START + 1));
    expect(peers).to.equal(0);
    expect(resolver.coral.record(id)?.encoded).to.equal(record());
    const joined = resolver.joined();
    proxy.heal();
    await joined;
    await resolver.arrival(isRecord(record(START + 1)));
    await proxy.close();
  });

  it("keep peer ID and versions over a restart", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "coral-"));
    try {
      const files = { folder, name: "test-1" };
      const first = await net.add({ files });
      const { peerId } = first.coral;
      await first.coral.publish("endpoint", record(START + 5));
      await first.coral.stop();
      expect(statSync(path.join(folder, "coral-test-1.key")).mode & 0o777).to.equal(0o600);
      net.nodes.length = 0;
      const second = await net.add({ files });
      expect(second.coral.peerId).to.equal(peerId);
      await rejection("RECORD_OLDER", second.coral.publish("endpoint", record(START + 4)));
    } finally {
      await net.stop();
      rmSync(folder, { recursive: true });
    }
  });

  it("refuse invalid addresses to listen on or to join at", async () => {
    await rejection("CORAL_ADDRESS_INVALID", net.add({ bootstrap: ["example.org:4170"] }));
  });
});
