import { gossipsub, StrictNoSign, type GossipSub } from "@libp2p/gossipsub";
import { identify } from "@libp2p/identify";
import type { Libp2p } from "@libp2p/interface";
import { kadDHT, passthroughMapper, type KadDHT } from "@libp2p/kad-dht";
import { noise } from "@libp2p/noise";
import { ping } from "@libp2p/ping";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { multiaddr } from "@multiformats/multiaddr";
import { createLibp2p } from "libp2p";
import { once } from "node:events";
import type { Hex } from "viem";
import type { MessageKind } from "../../src/coral/network.ts";
import { dhtKey, dhtProtocol, encodePush, topicOf } from "../../src/coral/p2p/wire.ts";
import { hexToBytes } from "../../src/protocol/bytes.ts";
import { CHAIN_ID, REGISTRY } from "./coralKit.ts";
import { sendsTo } from "./coralNet.ts";
import { PATIENCE_MS } from "./until.ts";

const network = { chainId: CHAIN_ID, registry: REGISTRY };

/** A peer that speaks the network's protocols and keeps none of its rules. */
export class Stranger {
  readonly libp2p: Libp2p<{ dht: KadDHT; gossip: GossipSub }>;
  /** Settles when its connection to whom it joined is gone. */
  readonly cutOff: Promise<unknown>;

  private constructor(libp2p: Libp2p<{ dht: KadDHT; gossip: GossipSub }>) {
    this.libp2p = libp2p;
    this.cutOff = once(libp2p, "peer:disconnect");
  }

  /** Joins a node, and waits until it can push to it and store with it. */
  static async join(address: string): Promise<Stranger> {
    const anything = () => {};
    const kinds = ["bc-endpoint", "bc-name", "bc-revocation", "pk", "else"];
    const libp2p = await createLibp2p({
      addresses: { listen: ["/ip4/127.0.0.1/tcp/0"] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      services: {
        identify: identify(),
        ping: ping(),
        dht: kadDHT({
          protocol: dhtProtocol(network),
          clientMode: false,
          validators: Object.fromEntries(kinds.map((kind) => [kind, anything])),
          selectors: Object.fromEntries(kinds.map((kind) => [kind, () => 0])),
          peerInfoMapper: passthroughMapper,
          initialQuerySelfInterval: 10,
        }),
        gossip: gossipsub({
          globalSignaturePolicy: StrictNoSign,
          allowPublishToZeroTopicPeers: true,
          ignoreDuplicatePublishError: true,
        }),
      },
    });
    const stranger = new Stranger(libp2p);
    const subscribed = once(libp2p.services.gossip, "subscription-change");
    const { remotePeer } = await libp2p.dial(multiaddr(address));
    await subscribed;
    await sendsTo(libp2p.services.gossip, remotePeer.toString());
    return stranger;
  }

  /** Pushes bytes on the topic of a service. */
  async push(serviceId: Hex, data: Uint8Array): Promise<void> {
    await this.libp2p.services.gossip.publish(topicOf(network, serviceId), data);
  }

  /** Pushes a message on the topic of a service, its own or another. */
  async pushMessage(kind: MessageKind, serviceId: Hex, encoded: Hex): Promise<void> {
    await this.push(serviceId, encodePush(kind, encoded));
  }

  /** Stores bytes with all peers. @returns How many took them. */
  async store(key: Uint8Array, value: Uint8Array): Promise<number> {
    let taken = 0;
    const signal = AbortSignal.timeout(PATIENCE_MS);
    for await (const event of this.libp2p.services.dht.put(key, value, { signal })) {
      const answer = event as { name: string; record?: unknown };
      if (answer.name === "PEER_RESPONSE" && answer.record !== undefined) taken += 1;
    }
    return taken;
  }

  /** The same with a message at its place, or at another. */
  storeMessage(kind: MessageKind, place: Hex, encoded: Hex): Promise<number> {
    return this.store(dhtKey(kind, place), hexToBytes(encoded));
  }

  async stop(): Promise<void> {
    await this.libp2p.stop();
  }
}
