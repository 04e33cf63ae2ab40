import {
  gossipsub,
  StrictNoSign,
  TopicValidatorResult,
  type GossipSub,
  type GossipSubComponents,
  type Message,
} from "@libp2p/gossipsub";
import type { PeerId } from "@libp2p/interface";
import { sha256 } from "@noble/hashes/sha2.js";
import type { Hex } from "viem";
import { boundedTable } from "../../node/boundedTable.ts";
import type { Timers } from "../../node/timers.ts";
import { concatBytes } from "../../protocol/bytes.ts";
import type { Conduct } from "./conduct.ts";
import type { InboundPeer } from "./inbound.ts";
import type { Intake } from "./intake.ts";
import type { MessageKind } from "../network.ts";
import { allTopics, decodePush, encodePush, topicOf, type NetworkId } from "./wire.ts";

/** Largest RPC, a bundle of messages, that is read from a peer, bytes. */
const MAX_RPC_BYTES = 1024 * 1024;
/** Messages in one RPC. */
const MAX_RPC_MESSAGES = 1_000;
/** Buffer for a slow peer, bytes. Above this, messages for it are dropped. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
/** Peers of one address above which each loses score, unless addresses are private. */
const PEERS_PER_ADDRESS = 16;
/** Broken promises and early regrafts that a busy peer may have before it loses score. */
const SLIPS = 6;
/** Own messages that wait for a first subscriber. */
const MAX_UNHEARD = 1_000;
/** Interval between checks for a first subscriber, milliseconds. */
const RETRY_MS = 250;

const { Accept, Ignore, Reject } = TopicValidatorResult;

/** A field of Gossipsub's class that its interface does not declare. */
interface GossipStreams {
  readonly streamsOutbound: ReadonlyMap<string, unknown>;
}

export interface PushDependencies {
  intake: Intake;
  conduct: Pick<Conduct, "score">;
  /** Guards the handlers of peers' messages. */
  inbound: InboundPeer;
  /** The chain's time, Unix milliseconds. */
  now: () => number;
  timers: Timers;
}

/** The push: gossip with one topic for each first byte of a service's hash, checked by the record book. */
export class Push {
  readonly #network: NetworkId;
  readonly #options: { subscribe: boolean; allowPrivate: boolean };
  readonly #intake: Intake;
  readonly #conduct: Pick<Conduct, "score">;
  readonly #inbound: InboundPeer;
  readonly #now: () => number;
  readonly #timers: Timers;
  readonly #unheard = boundedTable<string, { topic: string; data: Uint8Array; until: number }>(
    MAX_UNHEARD,
  );
  readonly #stopping = new AbortController();
  #retrying: Promise<void> | undefined;
  #gossip: (GossipSub & GossipStreams) | undefined;

  constructor(
    options: { network: NetworkId; subscribe: boolean; allowPrivate: boolean },
    dependencies: PushDependencies,
  ) {
    this.#network = options.network;
    this.#options = options;
    this.#intake = dependencies.intake;
    this.#conduct = dependencies.conduct;
    this.#inbound = dependencies.inbound;
    this.#now = dependencies.now;
    this.#timers = dependencies.timers;
  }

  /** The libp2p service. */
  service(): (components: GossipSubComponents) => GossipSub {
    const topics = allTopics(this.#network);
    const create = gossipsub({
      // The service signs a message itself, so a signature of the forwarding peer would prove nothing.
      globalSignaturePolicy: StrictNoSign,
      // The ID includes the topic: a message on a wrong topic must not hide the one on the right topic.
      msgIdFn: ({ topic, data }: Message) =>
        sha256(concatBytes(new TextEncoder().encode(topic), data)),
      // A message is sent to all subscribed peers at once, without waiting for a mesh.
      floodPublish: true,
      // An IDONTWANT for a record costs as much as the record.
      idontwantMinDataSize: MAX_RPC_BYTES,
      // This class checks for subscribers itself, and a message that was sent before is not an error.
      allowPublishToZeroTopicPeers: true,
      ignoreDuplicatePublishError: true,
      fallbackToFloodsub: false,
      // Tags for 256 topics in the peer store would cost more than all other work together.
      tagMeshPeers: false,
      allowedTopics: topics,
      maxInboundDataLength: MAX_RPC_BYTES,
      maxOutboundBufferSize: MAX_WAITING_BYTES,
      decodeRpcLimits: {
        maxSubscriptions: 2 * topics.length,
        maxMessages: MAX_RPC_MESSAGES,
        maxIhaveMessageIDs: 5_000,
        maxIwantMessageIDs: 1_000,
        maxIdontwantMessageIDs: 512,
        maxControlMessages: 2 * topics.length,
        maxPeerInfos: 16,
      },
      scoreParams: {
        // Penalty points are counted in one place for all protocols, and survive a reconnection.
        appSpecificScore: (peer) => this.#conduct.score(peer),
        appSpecificWeight: 1,
        IPColocationFactorWeight: this.#options.allowPrivate ? 0 : -5,
        IPColocationFactorThreshold: PEERS_PER_ADDRESS,
        behaviourPenaltyThreshold: SLIPS,
      },
      scoreThresholds: {
        gossipThreshold: -20,
        publishThreshold: -40,
        graylistThreshold: -60,
        acceptPXThreshold: 10,
        opportunisticGraftThreshold: 1,
      },
    });
    return (components) => {
      const gossip = create(this.#inbound.guard(components));
      for (const topic of topics) {
        gossip.topicValidators.set(topic, (peer, message) => this.#validate(peer, message));
      }
      this.#gossip = gossip as GossipSub & GossipStreams;
      return gossip;
    };
  }

  /** Subscribes to every topic, if the node is configured to. */
  subscribe(): void {
    if (!this.#options.subscribe) return;
    for (const topic of allTopics(this.#network)) this.#gossip?.subscribe(topic);
  }

  /**
   * Sends a message to all peers that subscribe to its topic.
   *
   * @returns The number of peers. Without a subscriber, the message is sent to the first one that appears
   *   before `until`.
   */
  async publish(
    kind: MessageKind,
    subject: { serviceId: Hex; place: Hex },
    encoded: Hex,
    until: number,
  ): Promise<number> {
    const topic = topicOf(this.#network, subject.serviceId);
    const data = encodePush(kind, encoded);
    const name = `${kind}:${subject.place}`;
    this.#unheard.delete(name);
    if (this.#hasListener(topic)) return this.#send(topic, data);
    this.#unheard.set(name, { topic, data, until });
    this.#retrying ??= this.#retry();
    return 0;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#retrying;
  }

  async #send(topic: string, data: Uint8Array): Promise<number> {
    const published = await this.#gossip?.publish(topic, data);
    return published?.recipients.length ?? 0;
  }

  /** Whether a peer with an open stream subscribes: a subscription can arrive before the stream is open. */
  #hasListener(topic: string): boolean {
    const gossip = this.#gossip;
    return (
      gossip?.getSubscribers(topic).some((peer) => gossip.streamsOutbound.has(peer.toString())) ??
      false
    );
  }

  async #retry(): Promise<void> {
    const { signal } = this.#stopping;
    while (this.#unheard.size > 0) {
      try {
        await this.#timers.sleep(RETRY_MS, signal);
      } catch {
        // The sleep is aborted only when the node stops.
        return;
      }
      for (const [name, { topic, data, until }] of [...this.#unheard.entries()].toReversed()) {
        const late = until <= this.#now();
        if (!late && !this.#hasListener(topic)) continue;
        this.#unheard.delete(name);
        if (!late) await this.#send(topic, data);
      }
    }
    this.#retrying = undefined;
  }

  async #validate(peer: PeerId, { topic, data }: Message): Promise<TopicValidatorResult> {
    const from = peer.toString();
    const push = decodePush(data);
    if (push === undefined) {
      this.#intake.blameMalformed(from);
      return Reject;
    }
    const verdict = await this.#intake.take(push.kind, push.encoded, from);
    if (verdict.outcome === "refused") return verdict.fault ? Reject : Ignore;
    if (topicOf(this.#network, verdict.serviceId) !== topic) {
      this.#intake.blameMalformed(from);
      return Reject;
    }
    // A known message arrived by another path, and may still be new to other peers.
    return Accept;
  }
}
