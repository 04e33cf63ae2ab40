import type { GossipSub } from "@libp2p/gossipsub";
import { once } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import type { Hex } from "viem";
import { createCoral } from "../../src/coral/createCoral.ts";
import type { CoralOptions } from "../../src/coral/options.ts";
import type { Arrival } from "../../src/coral/network.ts";
import type { CoralNode } from "../../src/coral/node.ts";
import { topicOf } from "../../src/coral/p2p/wire.ts";
import { createMetrics, type Metrics } from "../../src/node/metrics.ts";
import { systemTimers } from "../../src/node/timers.ts";
import { CHAIN_ID, FakeAuthority, REGISTRY, START } from "./coralKit.ts";
import { MemoryLog } from "./memoryLog.ts";
import { until } from "./until.ts";

/** One topic of 256, which stands for all of them. */
const TOPIC = topicOf({ chainId: CHAIN_ID, registry: REGISTRY }, `0x${"00".repeat(32)}`);

/** A node under test, with what it logged, counted and took in. */
export interface TestNode {
  coral: CoralNode;
  log: MemoryLog;
  metrics: Metrics;
  arrivals: Arrival[];
  /** Waits until it took in something, also if that was before. */
  arrival(matches: (arrival: Arrival) => boolean): Promise<Arrival>;
  /**
   * Waits until it and the first node of the net know what each other subscribes to, and some node passes on
   * to it what it hears: what is published before that, a new node may miss.
   */
  joined(): Promise<void>;
  /** Waits until the two have lost each other. */
  parted(): Promise<void>;
}

/** Real nodes in one process, on loopback. */
export class CoralNet {
  readonly authority = new FakeAuthority();
  readonly nodes: TestNode[] = [];
  /** The chain's time of all nodes, Unix milliseconds. */
  now = START;

  /** Starts a node that joins the first one, unless said otherwise. */
  async add(options: Partial<CoralOptions> = {}, authority = this.authority): Promise<TestNode> {
    const log = new MemoryLog();
    const metrics = createMetrics("coral");
    const coral = createCoral(
      {
        chainId: CHAIN_ID,
        registry: REGISTRY,
        listen: ["/ip4/127.0.0.1/tcp/0"],
        bootstrap: this.nodes[0]?.coral.addresses ?? [],
        subscribe: true,
        allowPrivate: true,
        ...options,
      },
      { authority, now: () => this.now, timers: systemTimers, log, metrics },
    );
    const arrivals: Arrival[] = [];
    const news = new EventTarget();
    coral.onArrival((arrival) => {
      arrivals.push(arrival);
      news.dispatchEvent(new Event("arrival"));
    });
    const arrival = async (matches: (arrival: Arrival) => boolean) => {
      for (;;) {
        const found = arrivals.find(matches);
        if (found !== undefined) return found;
        await once(news, "arrival");
      }
    };
    const joined = async () => {
      const hub = this.nodes[0]?.coral;
      await subscribes(hub, coral);
      if (options.subscribe === false) return;
      await subscribes(coral, hub);
      await until("another node's mesh has it", () => this.#hears(coral));
    };
    const parted = async () => {
      await Promise.all([once(coral.libp2p!, "peer:disconnect"), this.#loses(coral)]);
    };
    const node = { coral, log, metrics, arrivals, arrival, joined, parted };
    await coral.start();
    this.nodes.push(node);
    return node;
  }

  /** Whether a node stands in the mesh of another one. Gossip fills it at its next heartbeat, and says nothing. */
  #hears({ peerId }: CoralNode): boolean {
    return this.nodes.some(({ coral }) => {
      const { mesh } = coral.libp2p!.services.push as GossipSub & {
        mesh: Map<string, Set<string>>;
      };
      return mesh.get(TOPIC)?.has(peerId!) === true;
    });
  }

  async #loses(coral: CoralNode): Promise<void> {
    const hub = this.nodes[0]!.coral.libp2p!;
    for (;;) {
      const [event] = (await once(hub, "peer:disconnect")) as [CustomEvent<unknown>];
      if (String(event.detail) === coral.peerId) return;
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.splice(0).map(({ coral }) => coral.stop()));
  }
}

/** Whether something is the arrival of a record as it was published. */
export function isRecord(encoded: Hex): (arrival: Arrival) => boolean {
  return (arrival) => arrival.kind === "endpoint" && arrival.record.encoded === encoded;
}

/** Waits until gossip can send to a peer; it has no event for that. */
export async function sendsTo(gossip: GossipSub, peer: string): Promise<void> {
  const { streamsOutbound } = gossip as GossipSub & { streamsOutbound: Map<string, unknown> };
  while (!streamsOutbound.has(peer)) await turn();
}

/** Waits until one node is known to another as a subscriber, and can be sent to. */
async function subscribes(one: CoralNode | undefined, another: CoralNode | undefined) {
  const gossip = another!.libp2p!.services.push;
  while (!gossip.getSubscribers(TOPIC).some((peer) => peer.toString() === one?.peerId)) {
    await once(gossip, "subscription-change");
  }
  await sendsTo(gossip, one!.peerId!);
}
