import type { Hex } from "viem";
import type { ChainAccess } from "../../chain/access.ts";
import type { Deployment } from "../../chain/deployment.ts";
import { ServiceDirectory } from "../../chain/directory.ts";
import type { CoralOptions } from "../../coral/options.ts";
import { createCoral } from "../../coral/createCoral.ts";
import type { RecordNetwork } from "../../coral/network.ts";
import { inOrder, type Startable } from "../../node/lifecycle.ts";
import type { Logger } from "../../node/logger.ts";
import type { Metrics } from "../../node/metrics.ts";
import { wallSeconds, type Timers } from "../../node/timers.ts";
import { bytesToHex, hexToBytes } from "../../protocol/bytes.ts";
import type { Endpoint } from "../../protocol/record.ts";
import { addressOfKey } from "../../protocol/signature.ts";
import { blockcloudDomain } from "../../protocol/typedData.ts";
import { Gateway, type GatewaySal } from "../gateway/gateway.ts";
import type { GatewayLimits } from "../gateway/options.ts";
import type { Payments } from "../gateway/pay/payments.ts";
import { Gateways, type ListenAddress } from "../gateway/gateways.ts";
import { handIn } from "../replicas/handIn.ts";
import { Instances } from "../replicas/instances.ts";
import { Joiner } from "../replicas/joiner.ts";
import { LeaseFront } from "../replicas/leaseFront.ts";
import type { Elsewhere } from "../../sal/handoff/elsewhere.ts";
import { HandedService, type HandedPay } from "../handoff/handedService.ts";
import { placeOf } from "../handoff/inherited.ts";
import type { InheritedService } from "../handoff/serviceHandoff.ts";
import { SINGLE, type ReplicaSettings } from "../replicas/settings.ts";
import { createDirect } from "../relays/directService.ts";
import { RelayLines, type RelaySettings } from "../relays/relayLines.ts";
import { RECORD_LEASE_MS } from "./lease.ts";
import type { ServiceMetrics } from "../metrics.ts";
import { Publisher, type PublisherDependencies } from "./publisher.ts";
import { systemScheduler } from "../../node/scheduler.ts";
import type { Pricing } from "../../sal/pay/till.ts";
import type { SalLimits } from "../../sal/provider/limits.ts";
import { SalAcceptor } from "../../sal/provider/salAcceptor.ts";
import { SalProvider } from "../../sal/provider/salProvider.ts";
import { createCertificate } from "../../sal/transport/certificate.ts";
import type { ServedPort } from "../../net/servedPort.ts";
import { portTable } from "../gateway/ports.ts";
import { ProviderStore } from "../store.ts";
import { Whereabouts } from "./whereabouts.ts";

/** How long open flows have to end when a service stops, milliseconds: less than the process's time to stop. */
const DRAIN_MS = 8_000;

/** What the services of one process share. */
export interface Ground {
  readonly deployment: Deployment;
  readonly timers: Timers;
  readonly network: RecordNetwork;
  /** The node of the record network, and the directory by which it checks records. */
  readonly parts: Startable;
  /** The chain's time, Unix milliseconds; the host's before the first block. */
  readonly now: () => number;
}

/** Builds the shared ground on a chain that is started first. */
export function createGround(
  options: { deployment: Deployment; coral: CoralOptions },
  dependencies: { chain: ChainAccess; timers: Timers; log: Logger; registry: Metrics },
): Ground {
  const { deployment } = options;
  const { chain, timers, log, registry } = dependencies;
  const { client, time } = chain;
  // Before the first block this machine's clock is used, because the gateway serves without the chain.
  const now = () => Math.floor((time.isKnown ? time.now() : wallSeconds()) * 1000);
  const directory = new ServiceDirectory({ client, deployment, time, timers, log });
  const network = createCoral(options.coral, {
    ...{ authority: directory, now, timers, log },
    metrics: registry,
  });
  return { deployment, timers, network, parts: inOrder(directory, network), now };
}

export interface PresenceOptions {
  serviceId: Hex;
  /** Signs receipts and records. */
  key: Hex;
  /** The key before it, which auditors expect until the epoch ends: it signs receipts over the SAL, too. */
  previousKey?: Hex | undefined;
  /** The root's delegation for a sub-service; otherwise `0x`. */
  delegation: Hex;
  /** The HTTP server behind the gateway. */
  upstream: URL;
  listen: ListenAddress;
  /** URL at which clients reach the gateway; without it, the address that it listens on. */
  endpoint: string | undefined;
  /** Limits of the gateway, and the proxies in front of it. */
  gateway?: GatewayLimits | undefined;
  /** Limits of the SAL. */
  sal?: SalLimits | undefined;
  /** How long an old gateway stays open after a move, milliseconds; by default the lease of a record. */
  graceMs?: number | undefined;
  /** Ports of the service in the SAL, besides 80, which is the gateway's. */
  ports?: readonly ServedPort[] | undefined;
  /** This instance of several that serve the ID. */
  replica?: ReplicaSettings | undefined;
  /** Relays through which clients reach this instance. */
  relay?: RelaySettings | undefined;
  /** What takes the payments of a priced service, over the SAL and over HTTP. */
  pay?: ({ pricing: Pricing; payments: Payments | undefined } & HandedPay) | undefined;
  storeFile: string;
  /** What a process has left in whose place this one serves. */
  inherited?: InheritedService | undefined;
  /** Finds the sessions of such processes. */
  elsewhere?: Elsewhere | undefined;
}

/** The presence of a service: its gateway and its published record. */
export interface Presence {
  /** The store and the gateway; they need neither the chain nor the record network. */
  readonly front: Startable;
  readonly whereabouts: Whereabouts;
  readonly store: ProviderStore;
  /** The endpoints of the record: this instance's, and of those that have joined. */
  endpoints(): Endpoint[];
  publisher(announcer: PublisherDependencies["announcer"]): Publisher;
  /** Lets other instances join, if that is wanted. */
  leases(publisher: Pick<Publisher, "record">): Startable;
  /** In the place of a publisher: hands the endpoints to another instance. Undefined if this one publishes. */
  readonly joiner: Startable | undefined;
  /** Gives the service to a process that takes this one's place. */
  readonly handoff: HandedService;
}

/**
 * Builds the presence of a service or a sub-service.
 *
 * @throws BlockcloudError if the store cannot be opened.
 */
export function createPresence(
  options: PresenceOptions,
  { deployment, timers, network, now }: Ground,
  { log, metrics }: { log: Logger; metrics: ServiceMetrics },
): Presence {
  const { serviceId, delegation, upstream, previousKey, replica = SINGLE, pay } = options;
  const { inherited } = options;
  const key = hexToBytes(options.key);
  const keys = previousKey === undefined ? [key] : [key, hexToBytes(previousKey)];
  const fixed = replica.instance === undefined ? undefined : Buffer.from(replica.instance, "hex");
  const domain = blockcloudDomain(BigInt(deployment.chainId), deployment.contracts.registry);
  const monotonic = () => timers.monotonic();
  const clock = systemScheduler;
  const { relay } = options;
  const direct =
    relay === undefined || relay.relays.length === 0
      ? undefined
      : createDirect(
          relay.direct ?? {},
          { clock, log },
          {
            listening: () => gateways.listening,
            accept: (socket) => relayed?.acceptor.accept(socket),
          },
        );
  const sal = {
    provider: new SalProvider(
      {
        service: {
          serviceId,
          keys,
          asksClient: false,
          ports: portTable(
            options.ports ?? [],
            (flow) => {
              gateways.serveFlow(flow);
            },
            { timers, clock },
          ),
        },
        domain,
        limits: options.sal ?? {},
        pricing: pay?.pricing,
        instance: inherited?.instance ?? fixed,
      },
      { clock, log, now, observer: metrics, direct: direct?.direct },
    ),
    certificate: createCertificate(wallSeconds() * 1000),
    clock,
  };
  sal.provider.elsewhere = options.elsewhere;
  const make = (listen: ListenAddress) =>
    new Gateway(
      { ...options.gateway, serviceId, domain, key, upstream, listen },
      { logger: log, now, monotonic, observer: metrics, sal, payments: pay?.payments },
    );
  const gateways: Gateways = new Gateways(
    {
      make,
      listen: placeOf(options.listen, inherited, log),
      graceMs: options.graceMs ?? RECORD_LEASE_MS,
    },
    { timers, log },
  );
  const terms = { serviceId, key, delegation, domain, instance: sal.provider.instance };
  const relayed = relay && createRelayed(relay, terms, sal, { now, log, metrics });
  const store = new ProviderStore(options.storeFile);
  const whereabouts = new Whereabouts(
    { configured: options.endpoint, rank: replica, followed: inherited?.move },
    { gateways, store, timers, log, now: () => wallSeconds() * 1000, relays: relayed?.lines },
  );
  const drainMs = Math.min(DRAIN_MS, options.gateway?.drainMs ?? DRAIN_MS);
  const front: Startable = {
    start: async () => {
      await gateways.start();
      await direct?.part.start();
      await relayed?.lines.start();
    },
    stop: async () => {
      try {
        // The gateway stays open meanwhile, so that a client that loses its connection can resume its flows.
        await Promise.all([
          sal.provider.drain(drainMs),
          gateways.stop(),
          ...(direct === undefined ? [] : [direct.part.stop()]),
        ]);
      } finally {
        relayed?.stop();
        store.close();
      }
    },
  };
  const moved = (record: Hex) => {
    sal.provider.migrate(Buffer.from(hexToBytes(record)));
  };
  const signer = addressOfKey(key);
  const signing = { serviceId, key, signer, delegation, domain };
  const instances = new Instances(signing, { now, log });
  const instance = bytesToHex(sal.provider.instance);
  const { join = [] } = replica;
  const served = { serviceId, keys, sal: sal.provider };
  let published: Publisher | undefined;
  const handoff = new HandedService(served, {
    ...{ gateways, whereabouts, relays: relayed?.lines, direct, pay, clock, log },
    record: () => published?.record,
  });
  return {
    front,
    handoff,
    whereabouts,
    store,
    endpoints: () => instances.endpoints(whereabouts.endpoints()),
    leases: (publisher) =>
      replica.listen === undefined
        ? inOrder()
        : new LeaseFront(replica.listen, {
            ...{ instances, monotonic, log, refusals: metrics.leases },
            record: () => publisher.record,
          }),
    joiner:
      join.length === 0
        ? undefined
        : new Joiner(
            { ...signing, instance, publishers: join },
            {
              ...{ whereabouts, store, handIn, moved, now, timers, clock, log },
              isSucceeded: () => handoff.isSucceeded,
            },
          ),
    publisher: (announcer) => {
      published = new Publisher(
        { serviceId, key, delegation, domain },
        {
          ...{ network, store, whereabouts, instances, announcer, now, timers, log, metrics },
          moved,
        },
      );
      return published;
    },
  };
}

/** The lines to the relays of a service, and what accepts the visitors that they lead here. */
function createRelayed(
  settings: RelaySettings,
  terms: ConstructorParameters<typeof RelayLines>[1],
  { provider, certificate, clock }: GatewaySal,
  { now, log, metrics }: { now: () => number; log: Logger; metrics: ServiceMetrics },
): { lines: RelayLines; acceptor: SalAcceptor; stop(): void } | undefined {
  if (settings.relays.length === 0) return undefined;
  const acceptor = new SalAcceptor(
    // Only the SAL comes through relays.
    { certificate, provider, onHttp: (socket) => socket.destroy() },
    { clock, log },
  );
  const lines = new RelayLines(settings, terms, {
    ...{ clock, log, now, metrics },
    accept: (socket, visitor, ends) => {
      acceptor.acceptRelayed(socket, visitor, ends);
    },
  });
  return {
    lines,
    acceptor,
    stop: () => {
      void lines.stop();
      acceptor.stop();
    },
  };
}
