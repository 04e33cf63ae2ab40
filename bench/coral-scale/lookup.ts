import { ClosestList, closestKnown } from "./closest.ts";
import type { Random } from "./random.ts";
import { distance, type Id, type Topology } from "./topology.ts";

/** Round-trip time of a request, drawn evenly from this range, milliseconds. */
export const ROUND_TRIP_MS = { from: 10, to: 150 } as const;
/** Timeout of a request, milliseconds. */
const TIMEOUT_MS = 1000;

/** Parameters of lookups. */
export interface Manner {
  /** Concurrent requests of a path. */
  alpha: number;
  /** Number of disjoint paths among which the nodes known at the start are distributed. */
  paths: number;
  /** A lookup ends after this many responses with the record. */
  answers: number;
}

/** A lookup that a simulated node makes. */
export interface LookupOptions extends Manner {
  from: number;
  target: Id;
  /** The nodes with the record. Without any, the lookup finds the closest nodes. */
  holders?: ReadonlySet<number>;
  /** The nodes that do not respond. */
  dead?: ReadonlySet<number>;
  /** Called for each node that a request reaches. */
  onRequest?: (node: number) => void;
}

/** The result of a lookup. */
export interface LookupResult {
  /** The closest nodes that responded, the closest first, at most the size of a bucket. */
  closest: readonly number[];
  found: boolean;
  /** Requests; each gets one response unless its node is dead. */
  requests: number;
  /** Referrals before the first response with the record: 1 for a node of the own table. */
  hops: number;
  /** Simulated milliseconds. */
  elapsedMs: number;
}

interface Request {
  path: Path;
  node: number;
  away: number;
  hops: number;
  endsAt: number;
}

/** One path of a lookup. */
interface Path {
  /** The closest nodes that responded on it: it continues while a closer node is known. */
  closest: ClosestList;
  waiting: Request[];
  underWay: number;
}

/**
 * An iterative lookup by the rules of `@libp2p/kad-dht`. It starts with the closest nodes of the own table,
 * distributed among the paths. Each path keeps `alpha` requests running, always queries the closest node not
 * yet queried, follows only referrals to nodes closer than the referring one, and ends when no remaining node
 * can be among its closest.
 */
export function lookup(topology: Topology, options: LookupOptions, random: Random): LookupResult {
  const { from, target, holders, dead } = options;
  const { bucketSize } = topology;
  const list = () => new ClosestList(topology, target, bucketSize);
  const closest = list();
  const paths = Array.from({ length: options.paths }, (): Path => ({
    closest: list(),
    waiting: [],
    underWay: 0,
  }));
  const seen = new Set([from]);
  const underWay: Request[] = [];
  const hopsOf = new Map<number, number>();
  let [now, requests, answers, firstHops] = [0, 0, 0, 0];

  const queue = (path: Path, node: number, hops: number, below: number): void => {
    if (seen.has(node)) return;
    const away = distance(topology.id(node), target);
    if (away >= below || !path.closest.takes(away)) return;
    seen.add(node);
    path.waiting.push({ path, node, away, hops, endsAt: 0 });
  };
  const send = (path: Path): void => {
    while (path.underWay < options.alpha) {
      const request = takeLeast(path.waiting, ({ away }) => away);
      if (!request) return;
      if (!path.closest.takes(request.away)) continue;
      requests += 1;
      options.onRequest?.(request.node);
      const { from: least, to: most } = ROUND_TRIP_MS;
      const travel = least + random.unit() * (most - least);
      request.endsAt = now + (dead?.has(request.node) ? TIMEOUT_MS : travel);
      path.underWay += 1;
      underWay.push(request);
    }
  };

  closestKnown(topology, from, target).forEach((node, index) => {
    const path = paths[index % paths.length];
    if (path) queue(path, node, 1, Infinity);
  });
  paths.forEach(send);
  while (answers < options.answers) {
    const answered = takeLeast(underWay, ({ endsAt }) => endsAt);
    if (!answered) break;
    const { path, node, away, hops } = answered;
    now = answered.endsAt;
    path.underWay -= 1;
    if (!dead?.has(node)) {
      if (holders?.has(node)) {
        answers += 1;
        firstHops ||= hops;
      }
      closest.offer(node, away);
      path.closest.offer(node, away);
      hopsOf.set(node, hops);
      for (const other of closestKnown(topology, node, target)) queue(path, other, hops + 1, away);
    }
    if (answers < options.answers) send(path);
  }
  const found = answers > 0;
  const furthest = Math.max(0, ...closest.nodes.map((node) => hopsOf.get(node) ?? 0));
  const hops = found ? firstHops : furthest;
  return { closest: closest.nodes, found, requests, hops, elapsedMs: now };
}

/** Removes the element with the least key from a short list. */
function takeLeast<T>(list: T[], key: (element: T) => number): T | undefined {
  let least = 0;
  for (let index = 1; index < list.length; index += 1) {
    if (key(list[index] as T) < key(list[least] as T)) least = index;
  }
  return list.splice(least, 1)[0];
}
