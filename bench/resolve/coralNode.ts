import { createCoral } from "../../src/coral/createCoral.ts";
import type { CoralNode } from "../../src/coral/node.ts";
import { systemTimers } from "../../src/node/timers.ts";
import { signRecord } from "../../src/protocol/record.ts";
import type { ServiceResolver } from "../../src/resolver/serviceResolver.ts";
import {
  CHAIN_ID,
  domain,
  endpointRecord,
  idOf,
  keyOf,
  numberOf,
  REGISTRY,
  syntheticDirectory,
} from "./services.ts";
import { now, silent, syntheticResolver } from "./syntheticResolver.ts";
import { nanoseconds, serve, tell } from "./worker.ts";

/** The moment from which a resolver of this process answers with a record. */
export interface Followed {
  number: number;
  issuedAt: number;
  at: bigint;
}

const LEASE_MS = 600_000;

let node: CoralNode | undefined;
let resolver: ServiceResolver | undefined;

serve({ start, peers, publish, follow, lookup, stop });

/** Starts a node of the record network with a resolver. Returns the addresses for other nodes. */
async function start(options: {
  services: number;
  bootstrap: readonly string[];
  subscribe: boolean;
}): Promise<string[]> {
  const { services, bootstrap, subscribe } = options;
  node = createCoral(
    {
      chainId: Number(CHAIN_ID),
      registry: REGISTRY,
      listen: ["/ip4/127.0.0.1/tcp/0"],
      bootstrap,
      subscribe,
      allowPrivate: true,
    },
    { authority: syntheticDirectory(services), now, timers: systemTimers, log: silent },
  );
  await node.start();
  resolver = syntheticResolver(services, node);
  await resolver.start();
  return node.addresses;
}

/** Number of the node's connections. */
function peers(): number {
  return node?.peers ?? 0;
}

/**
 * Signs and publishes a service's next record.
 *
 * @returns When it started, and the number of peers that stored it.
 */
async function publish(move: {
  number: number;
  issuedAt: number;
  waitForStore: boolean;
}): Promise<{ at: bigint; stored: number }> {
  const { number, issuedAt, waitForStore } = move;
  const at = nanoseconds();
  const record = endpointRecord(number, { issuedAt, leaseMs: LEASE_MS });
  const sent = await node?.publish("endpoint", signRecord(record, domain, keyOf(number).key));
  return { at, stored: waitForStore ? ((await sent?.stored) ?? 0) : 0 };
}

/** Resolves a service, and reports whenever the resolver answers with another record of it. */
async function follow(number: number): Promise<void> {
  const held = resolver;
  await held?.resolve(idOf(number));
  held?.watch(idOf(number), () => {
    const answer = held.lookup(idOf(number));
    if (answer === undefined) return;
    tell({
      number: numberOf(answer.serviceId),
      issuedAt: answer.issuedAt,
      at: nanoseconds(),
    } satisfies Followed);
  });
}

/** Resolves a service. Returns the duration in milliseconds. */
async function lookup(number: number): Promise<number> {
  const from = nanoseconds();
  await resolver?.resolve(idOf(number));
  return Number(nanoseconds() - from) / 1e6;
}

async function stop(): Promise<void> {
  await resolver?.stop();
  await node?.stop();
}
