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
import type { Timers } from "../node/timers.ts";
import { concatBytes } from "../protocol/bytes.ts";
import type { Conduct } from "./conduct.ts";
import type { InboundPeer } from "./inbound.ts";
import type { Intake } from "./intake.ts";
import type { MessageKind } from "./network.ts";
import { allTopics, decodePush, encodePush, topicOf, type NetworkId } from "./wire.ts";

/** The longest bundle of messages that is read from a peer, bytes. */
const MAX_RPC_BYTES = 1024 * 1024;
/** Messages in one bundle. */
const MAX_RPC_MESSAGES = 1_000;
/** What waits to be sent to a slow peer, bytes; beyond, messages for it are dropped. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
/** Peers of one address beyond which each loses score, unless addresses are private. */
const PEERS_PER_ADDRESS = 16;
/** Broken promises and hasty regrafts that a busy peer may have before they cost it score. */
const SLIPS = 6;
/** Own messages that wait for a first listener. */
const MAX_UNHEARD = 1_000;
/** How often it is looked whether there is one, milliseconds. */
const RETRY_MS = 250;

const { Accept, Ignore, Reject } = TopicValidatorResult;

/** What gossip's class has, and its interface does not say. */
interface GossipStreams {
  readonly streamsOutbound: ReadonlyMap<string, unknown>;
}

export interface PushDependencies {
  intake: Intake;
  conduct: Pick<Conduct, "score">;
  /** Guards what peers send. */
  inbound: InboundPeer;
  /** The chain's time, Unix milliseconds. */
  now: () => number;
  timers: Timers;
}

/** The push: gossip on one topic for each first byte of a service's hash, checked by the record book. */
export class Push {
  readonly #network: NetworkId;
  readonly #options: { subscribe: boolean; allowPrivate: boolean };
  readonly #d: PushDependencies;
  readonly #unheard = new Map<string, { topic: string; data: Uint8Array; until: number }>();
  readonly #stopping = new AbortController();
  #retrying: Promise<void> | undefined;
  #gossip: (GossipSub & GossipStreams) | undefined;

  constructor(
    options: { network: NetworkId; subscribe: boolean; allowPrivate: boolean },
    dependencies: PushDependencies,
  ) {
    this.#network = options.network;
    this.#options = options;
    this.#d = dependencies;
  }

  /** The libp2p service. */
  service(): (components: GossipSubComponents) => GossipSub {
    const topics = allTopics(this.#network);
    const create = gossipsub({
      // Messages are signed by whom they are about; who passes them on proves nothing.
      globalSignaturePolicy: StrictNoSign,
      // With the topic: a message on a wrong one must not hide the message on its own.
      msgIdFn: ({ topic, data }: Message) =>
        sha256(concatBytes(new TextEncoder().encode(topic), data)),
      // Publishing does not wait for a mesh: each peer that subscribes is sent it at once.
      floodPublish: true,
      // Saying that a record is not wanted any more costs as much as the record.
      idontwantMinDataSize: MAX_RPC_BYTES,
      // It is known here whether there is anybody, and what was sent before is no error.
      allowPublishToZeroTopicPeers: true,
      ignoreDuplicatePublishError: true,
      fallbackToFloodsub: false,
      // A tag for each of 256 topics in the store of peers would cost more than everything else together.
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
        // What a peer did wrong is counted in one place for all protocols, and outlives a reconnection.
        appSpecificScore: (peer) => this.#d.conduct.score(peer),
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
      const gossip = create(this.#d.inbound.guard(components));
      for (const topic of topics) {
        gossip.topicValidators.set(topic, (peer, message) => this.#validate(peer, message));
      }
      this.#gossip = gossip as GossipSub & GossipStreams;
      return gossip;
    };
  }

  /** Listens to every topic, if the node wants to be told. */
  subscribe(): void {
    if (!this.#options.subscribe) return;
    for (const topic of allTopics(this.#network)) this.#gossip?.subscribe(topic);
  }

  /**
   * Sends to all peers that subscribe.
   *
   * @returns To how many. Where there is none, it is sent to the first that comes before `until`.
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
    const [oldest] = this.#unheard.keys();
    if (this.#unheard.size > MAX_UNHEARD && oldest !== undefined) this.#unheard.delete(oldest);
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

  /** Whether a peer subscribes that something can be sent to: its subscription may be here first. */
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
        await this.#d.timers.sleep(RETRY_MS, signal);
      } catch {
        // Only the end of the node ends its sleep.
        return;
      }
      for (const [name, { topic, data, until }] of this.#unheard) {
        const late = until <= this.#d.now();
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
      this.#d.intake.blameMalformed(from);
      return Reject;
    }
    const verdict = await this.#d.intake.take(push.kind, push.encoded, from);
    if (verdict.outcome === "refused") return verdict.fault ? Reject : Ignore;
    if (topicOf(this.#network, verdict.serviceId) !== topic) {
      this.#d.intake.blameMalformed(from);
      return Reject;
    }
    // What is known came by another way, and is news to others all the same.
    return Accept;
  }
}
