import { identify } from "@libp2p/identify";
import { noise } from "@libp2p/noise";
import { peerIdFromString } from "@libp2p/peer-id";
import { ping } from "@libp2p/ping";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { createLibp2p, type Libp2p } from "libp2p";
import path from "node:path";
import type { Logger } from "../node/logger.ts";
import type { Metrics } from "../node/metrics.ts";
import type { RateLimitOptions } from "../node/rateLimit.ts";
import type { Timers } from "../node/timers.ts";
import { blockcloudDomain } from "../protocol/typedData.ts";
import { BookDatastore } from "./p2p/bookDatastore.ts";
import { Bootstrap, parseMultiaddrs } from "./p2p/bootstrap.ts";
import { Conduct } from "./p2p/conduct.ts";
import { defaultCoralLimits, type CoralOptions } from "./options.ts";
import { connectionGater, isPublic } from "./p2p/gater.ts";
import { InboundPeer } from "./p2p/inbound.ts";
import { Intake } from "./p2p/intake.ts";
import { Lookup } from "./p2p/lookup.ts";
import { CoralMetrics } from "./metrics.ts";
import type { Authority } from "./network.ts";
import { CoralNode } from "./node.ts";
import { peerKey } from "./p2p/peerKey.ts";
import { Push } from "./p2p/push.ts";
import { RecordBook } from "./book/recordBook.ts";
import { CoralStore } from "./book/store.ts";

/** Dependencies of a node of the record network. */
export interface CoralDependencies {
  authority: Authority;
  /** The chain's time, Unix milliseconds. */
  now: () => number;
  timers: Timers;
  log: Logger;
  /** The registry in which the node counts its events. */
  metrics?: Metrics | undefined;
}

/**
 * Assembles a node of the record network, ready to start.
 *
 * @throws BlockcloudError `CORAL_ADDRESS_INVALID`.
 */
export function createCoral(options: CoralOptions, dependencies: CoralDependencies): CoralNode {
  const { authority, now, timers, log } = dependencies;
  const { files, allowPrivate = false, subscribe } = options;
  // By default, a node serves the lookup store if it has a public address.
  const clientMode = options.clientMode ?? (allowPrivate ? false : undefined);
  const limits = { ...defaultCoralLimits, ...options.limits };
  const network = { chainId: options.chainId, registry: options.registry };
  const [listen, announce, bootstrap] = [
    parseMultiaddrs(options.listen),
    parseMultiaddrs(options.announce ?? []),
    parseMultiaddrs(options.bootstrap),
  ];
  const monotonic = () => timers.monotonic();
  const metrics = dependencies.metrics && new CoralMetrics(dependencies.metrics);
  const base = files && path.join(files.folder, `coral-${files.name}`);

  const store = new CoralStore(
    { file: base === undefined ? ":memory:" : `${base}.sqlite` },
    { now, timers, log },
  );
  const book = new RecordBook(
    {
      domain: blockcloudDomain(BigInt(network.chainId), network.registry),
      limits: options.bookLimits,
    },
    { authority, store, now, timers, log, observer: metrics },
  );
  let running: Libp2p | undefined;
  const conduct = new Conduct(limits.conduct, monotonic, (peer) => {
    metrics?.cut();
    log.warn("a peer was cut off because of its messages", { peer });
    running?.hangUp(peerIdFromString(peer)).catch((error: unknown) => {
      log.debug("cannot hang up", { peer, error });
    });
  });
  const flooded = () => metrics?.refused("flood");
  const intake = new Intake(limits.messages, { book, conduct, now, monotonic, log, flooded });
  const guard = (bytes: RateLimitOptions) =>
    new InboundPeer(bytes, monotonic, (peer) => {
      intake.blameExcess(peer);
    });
  const push = new Push(
    { network, subscribe, allowPrivate },
    { intake, conduct, inbound: guard(limits.pushBytes), now, timers },
  );
  const lookup = new Lookup(
    { network, clientMode, allowPrivate },
    { book, intake, inbound: guard(limits.lookupBytes), timers, log },
  );
  const connect = async () => {
    const libp2p = await createLibp2p({
      start: false,
      privateKey: await peerKey(base && `${base}.key`),
      nodeInfo: { name: "blockcloud", version: "1", userAgent: "blockcloud/1" },
      addresses: {
        listen: listen.map(String),
        announce: announce.map(String),
        // Other nodes cannot use private addresses and need not learn them.
        announceFilter: (all) => (allowPrivate || announce.length > 0 ? all : all.filter(isPublic)),
      },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionGater: connectionGater({ allowPrivate, trusted: bootstrap }, conduct),
      connectionManager: {
        maxConnections: limits.connections,
        inboundConnectionThreshold: limits.inboundPerSecond,
        maxIncomingPendingConnections: limits.inboundPerSecond,
      },
      datastore: new BookDatastore({ peers: limits.knownPeers }, book),
      services: {
        identify: identify(),
        ping: ping(),
        lookup: lookup.service(),
        push: push.service(),
      },
    });
    running = libp2p;
    return { libp2p, bootstrap: new Bootstrap(bootstrap, { libp2p, timers, log }) };
  };
  const watch = () =>
    authority.onChange((number) => {
      intake.noteChange(number);
    });
  const node = new CoralNode({ book, store, push, lookup, watch, connect, timers, log });
  metrics?.follow(node);
  return node;
}
