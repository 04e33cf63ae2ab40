import { setTimeout as delay } from "node:timers/promises";
import { quantiles, roundedQuantiles, type Quantiles } from "../quantiles.ts";
import type { Followed } from "./coralNode.ts";
import { Worker } from "./worker.ts";

export interface PropagationSettings {
  /** Processes, each a Coral node with a resolver. */
  nodes: number;
  moves: number;
  /** Services that move in turn. */
  services: number;
  /** Interval between two moves, milliseconds. */
  gapMs: number;
  /** Services that a newly joined node looks up. */
  coldLookups: number;
}

export interface Propagation {
  settings: PropagationSettings;
  /** Time from before a record is signed until the last resolver answers with it, milliseconds. */
  allMs: Quantiles;
  /** Time until each resolver answers with it, milliseconds. */
  eachMs: Quantiles;
  /** Moves that a resolver did not receive in time; they count with the time limit. */
  missed: number;
  /** Lookups by a node that joined afterwards and received no push, milliseconds. */
  coldMs: Quantiles;
  /** Connections of each node during the moves. */
  peers: number[];
}

/** Time limit after which a move counts as missed, milliseconds. */
const PATIENCE_MS = 5_000;
/** Time limit for nodes to find each other, milliseconds. */
const JOIN_MS = 20_000;
/** Time for gossip to form its meshes, milliseconds: two of its heartbeats. */
const MESH_MS = 2_500;
/** Moves at the start that are not counted, for warm-up. */
const WARM_UP = 20;

type CoralWorker = Worker<Followed>;

/** Moves services on a network of local processes, and looks them up from a process that joins later. */
export async function measurePropagation(
  settings: PropagationSettings,
  say: (message: string) => void,
): Promise<Propagation> {
  const { nodes, moves, services, coldLookups } = settings;
  const all = Math.max(services, coldLookups);
  const workers: CoralWorker[] = [];
  const started = async (bootstrap: readonly string[], subscribe: boolean) => {
    const worker: CoralWorker = new Worker("coralNode.ts");
    workers.push(worker);
    const options = { services: all, bootstrap, subscribe };
    return { worker, addresses: await worker.call<string[]>("start", options) };
  };
  try {
    say(`Coral: ${nodes} nodes in a process each`);
    const first = await started([], true);
    const others = Array.from({ length: nodes - 1 }, () => started(first.addresses, true));
    await Promise.all(others);
    const network = [...workers];
    const peers = await connected(network);
    await delay(MESH_MS);
    const clock = { issuedAt: Date.now() };
    await publishAll(network, all, clock);
    const followed = Array.from({ length: services }, (_, index) => index + 1);
    await Promise.all(
      network.flatMap((worker) => followed.map((number) => worker.call("follow", number))),
    );

    say(`Coral: ${moves} moves`);
    const times: { all: number; each: number[]; missed: boolean }[] = [];
    for (let move = 0; move < WARM_UP + moves; move += 1) {
      const publisher = inTurn(network, move);
      const number = 1 + (move % services);
      const time = await measureMove(network, publisher, { number, issuedAt: next(clock) });
      if (move >= WARM_UP) times.push(time);
      await delay(settings.gapMs);
    }

    say(`Coral: ${coldLookups} lookups by a node that has just joined`);
    const late = await started(first.addresses, false);
    await connected([late.worker]);
    const cold: number[] = [];
    for (let number = 1; number <= coldLookups; number += 1) {
      cold.push(await late.worker.call<number>("lookup", number));
    }
    return {
      settings,
      allMs: roundedQuantiles(quantiles(times.map((time) => time.all)), 2),
      eachMs: roundedQuantiles(quantiles(times.flatMap(({ each }) => each)), 2),
      missed: times.filter(({ missed }) => missed).length,
      coldMs: roundedQuantiles(quantiles(cold), 2),
      peers,
    };
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()));
  }
}

/** Publishes each service once, by the nodes in turn, and waits for the lookup store. */
async function publishAll(
  network: readonly CoralWorker[],
  services: number,
  clock: { issuedAt: number },
): Promise<void> {
  for (let number = 1; number <= services; number += network.length) {
    const some = network.slice(0, 1 + services - number);
    const published = some.map(async (publisher, index) => {
      const move = { number: number + index, issuedAt: next(clock), waitForStore: true };
      const { stored } = await publisher.call<{ stored: number }>("publish", move);
      if (stored === 0) throw new Error(`No peer stored the record of service ${move.number}.`);
    });
    await Promise.all(published);
  }
}

/** Measures one move: the time of each resolver, including the publisher's own. */
async function measureMove(
  network: readonly CoralWorker[],
  publisher: CoralWorker,
  move: { number: number; issuedAt: number },
): Promise<{ all: number; each: number[]; missed: boolean }> {
  const heard = new Map<CoralWorker, bigint>();
  const { promise: everybody, resolve: heardAll } = Promise.withResolvers<undefined>();
  for (const worker of network) {
    worker.listen(({ number, issuedAt, at }) => {
      if (number !== move.number || issuedAt !== move.issuedAt || heard.has(worker)) return;
      heard.set(worker, at);
      if (heard.size === network.length) heardAll(undefined);
    });
  }
  const options = { ...move, waitForStore: false };
  const { at: from } = await publisher.call<{ at: bigint }>("publish", options);
  const over = new AbortController();
  await Promise.race([everybody, delay(PATIENCE_MS, undefined, { signal: over.signal })]);
  over.abort();
  const each = network.map((worker) => {
    const at = heard.get(worker);
    return at === undefined ? PATIENCE_MS : Number(at - from) / 1e6;
  });
  return { all: Math.max(...each), each, missed: heard.size < network.length };
}

/** Waits until each node is connected to all the others. */
async function connected(network: readonly CoralWorker[]): Promise<number[]> {
  const least = Math.max(1, network.length - 1);
  const until = performance.now() + JOIN_MS;
  for (;;) {
    const peers = await Promise.all(network.map((worker) => worker.call<number>("peers")));
    // In such a small network all nodes find each other; after the time limit a node continues with its
    // present connections.
    if (peers.every((count) => count >= least) || performance.now() > until) return peers;
    await delay(100);
  }
}

function inTurn(network: readonly CoralWorker[], turn: number): CoralWorker {
  const worker = network[turn % network.length];
  if (worker === undefined) throw new Error("No nodes.");
  return worker;
}

/** The version increases with each record. */
function next(clock: { issuedAt: number }): number {
  clock.issuedAt = Math.max(clock.issuedAt + 1, Date.now());
  return clock.issuedAt;
}
