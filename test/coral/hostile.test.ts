import { multiaddr } from "@multiformats/multiaddr";
import { expect } from "chai";
import { once } from "node:events";
import type { Hex } from "viem";
import { encodePush } from "../../src/coral/p2p/wire.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { rootRecord, START, testKey } from "../support/coralKit.ts";
import { CoralNet, isRecord, type TestNode } from "../support/coralNet.ts";
import { Stranger } from "../support/coralStranger.ts";

const key = testKey(7);
const thief = testKey(666);
const id = rootServiceId(7n);
const other = rootServiceId(8n);
/** More records than a peer can send before it is cut off, however slow the other end is. */
const MANY = 100_000;

describe("a Coral node among strangers", function () {
  let net: CoralNet;
  let node: TestNode;
  let stranger: Stranger;

  beforeEach(async () => {
    net = new CoralNet();
    net.authority.set(7n, key);
    net.authority.set(8n, testKey(8));
    node = await net.add();
    stranger = await Stranger.join(node.coral.addresses[0]!);
  });
  afterEach(async () => {
    await stranger.stop();
    await net.stop();
  });

  const metric = async (name: string) => {
    const { text } = await node.metrics.expose();
    const line = text.split("\n").find((one) => one.startsWith(`blockcloud_coral_${name} `));
    return Number(line?.split(" ").at(-1));
  };
  const good = (issuedAt = START) => rootRecord(7n, key, { issuedAt });

  it("accepts a valid record from any peer, pushed or stored", async () => {
    await stranger.pushMessage("endpoint", id, good());
    await node.arrival(isRecord(good()));
    const record = rootRecord(8n, testKey(8), { issuedAt: START });
    expect(await stranger.storeMessage("endpoint", other, record)).to.equal(1);
    expect(node.coral.record(other)?.encoded).to.equal(record);
  });

  it("stores no older record over a newer one, nor any that is not valid, nor under another key", async () => {
    await node.coral.publish("endpoint", good(START + 5));
    const bad: [Hex, Hex][] = [
      [id, good(START + 4)],
      [id, rootRecord(7n, thief, { issuedAt: START + 9 })],
      [other, good(START + 5)],
      [id, "0x1234"],
    ];
    for (const [place, encoded] of bad) {
      expect(await stranger.storeMessage("endpoint", place, encoded)).to.equal(0);
    }
    expect(node.coral.record(id)?.encoded).to.equal(good(START + 5));
    expect(node.coral.record(other)).to.equal(undefined);
    expect(await stranger.storeMessage("endpoint", id, good(START + 5))).to.equal(1);
  });

  it("stores nothing but what belongs to the network", async () => {
    const bytes = (text: string) => new TextEncoder().encode(text);
    for (const namespace of ["pk", "else", "bc-endpoint"]) {
      expect(await stranger.store(bytes(`/${namespace}/abcdef`), bytes("anything"))).to.equal(0);
    }
  });

  it("survives malformed bytes, and continues to serve peers that send valid ones", async () => {
    for (const length of [0, 1, 2, 33, 700]) {
      await stranger.push(id, new Uint8Array(length).fill(length));
    }
    await stranger.push(id, encodePush("name", good()));
    const honest = await net.add();
    const published = rootRecord(8n, testKey(8), { issuedAt: START });
    await honest.coral.publish("endpoint", published);
    await node.arrival(isRecord(published));
  });

  it("cuts off a peer that floods it with bad records, and no other peer", async () => {
    const [provider, resolver] = [await net.add(), await net.add()];
    const first = rootRecord(8n, testKey(8), { issuedAt: START });
    await provider.coral.publish("endpoint", first);
    await Promise.all([node, resolver].map(({ arrival }) => arrival(isRecord(first))));
    let sent = 0;
    const flood = (async () => {
      while (stranger.libp2p.getPeers().length > 0 && sent < MANY) {
        await stranger.pushMessage(
          "endpoint",
          id,
          rootRecord(7n, thief, { issuedAt: START + sent }),
        );
        sent += 1;
        // Lets the other ends of the sockets have their turn: all are in this process.
        await new Promise(setImmediate);
      }
    })();
    const second = rootRecord(8n, testKey(8), { issuedAt: START + 1 });
    await provider.coral.publish("endpoint", second);
    await Promise.all([node, resolver].map(({ arrival }) => arrival(isRecord(second))));
    await stranger.cutOff;
    await flood;
    expect(sent).to.be.below(MANY);
    expect(await metric("peers_cut_total")).to.equal(1);
    // Coming back does not help, another service's updates still pass, and nothing of it was kept.
    const address = multiaddr(node.coral.addresses[0]);
    const back = await stranger.libp2p.dial(address, { force: true }).then(
      async (connection) => connection.status !== "open" || once(connection, "close"),
      () => true,
    );
    expect(back).not.to.equal(false);
    const third = rootRecord(8n, testKey(8), { issuedAt: START + 2 });
    await provider.coral.publish("endpoint", third);
    await Promise.all([node, resolver].map(({ arrival }) => arrival(isRecord(third))));
    expect(node.coral.record(id)).to.equal(undefined);
    expect(node.coral.peers).to.equal(2);
  });

  it("cuts off a peer that stores bad records without end", async () => {
    const store = (async () => {
      for (let i = 0; i < 200 && stranger.libp2p.getPeers().length > 0; i++) {
        await stranger
          .storeMessage("endpoint", id, rootRecord(7n, thief, { issuedAt: START + i }))
          .catch(() => 0);
      }
    })();
    await stranger.cutOff;
    await stranger.stop();
    await store;
    expect(await metric("peers_cut_total")).to.equal(1);
    expect(await metric("records")).to.equal(0);
  });
});
