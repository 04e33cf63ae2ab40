import { ClosestList, closestKnown } from "./closest.ts";
import type { Random } from "./random.ts";
import { distance, type Id, type Topology } from "./topology.ts";

/** How a request and its answer travel: so many milliseconds, drawn evenly from these bounds. */
export const ROUND_TRIP_MS = { from: 10, to: 150 } as const;
/** After how long a node gives up on one that does not answer, in milliseconds. */
const TIMEOUT_MS = 1000;

/** A look-up that a simulated node makes. */
export interface LookUpOptions {
  from: number;
  target: Id;
  /** How many requests may be under way at once. */
  alpha: number;
  /** Who has the record: the look-up ends with the first of them that answers. Nobody: it finds the closest. */
  holders?: ReadonlySet<number>;
  /** Who does not answer. */
  dead?: ReadonlySet<number>;
  /** Called for each node that a request reaches. */
  onRequest?: (node: number) => void;
}

/** What became of it. */
export interface LookUpResult {
  /** The closest nodes that answered, the closest first, at most as many as a bucket takes. */
  closest: readonly number[];
  found: boolean;
  /** Requests sent; each has one answer unless its node is dead. */
  requests: number;
  /** Referrals behind the answer that counted: 1 for a node of the own table. */
  hops: number;
  /** Simulated milliseconds. */
  elapsedMs: number;
}

interface Request {
  node: number;
  away: number;
  hops: number;
  endsAt: number;
}

/**
 * An iterative look-up by the rules of `@libp2p/kad-dht`'s query path, on one path: it begins with the
 * closest of the own table, keeps `alpha` requests under way, always asks the closest one not asked, follows
 * only referrals to nodes closer than who refers, and ends when no node left could be among the closest.
 */
export function lookUp(topology: Topology, options: LookUpOptions, random: Random): LookUpResult {
  const { from, target, alpha, holders, dead } = options;
  const closest = new ClosestList(topology, target, topology.bucketSize);
  const seen = new Set([from]);
  const waiting: Request[] = [];
  const underWay: Request[] = [];
  const hopsOf = new Map<number, number>();
  let [now, requests] = [0, 0];

  const queue = (node: number, hops: number, below: number): void => {
    if (seen.has(node)) return;
    const away = distance(topology.id(node), target);
    if (away >= below || !closest.takes(away)) return;
    seen.add(node);
    waiting.push({ node, away, hops, endsAt: 0 });
  };
  const send = (): void => {
    while (underWay.length < alpha) {
      const request = takeLeast(waiting, ({ away }) => away);
      if (!request) return;
      if (!closest.takes(request.away)) continue;
      requests += 1;
      options.onRequest?.(request.node);
      const { from: least, to: most } = ROUND_TRIP_MS;
      const travel = least + random.unit() * (most - least);
      request.endsAt = now + (dead?.has(request.node) ? TIMEOUT_MS : travel);
      underWay.push(request);
    }
  };
  const result = (found: boolean, hops: number): LookUpResult => {
    return { closest: closest.nodes, found, requests, hops, elapsedMs: now };
  };

  for (const node of closestKnown(topology, from, target)) queue(node, 1, Infinity);
  for (;;) {
    send();
    const answered = takeLeast(underWay, ({ endsAt }) => endsAt);
    if (!answered) break;
    const { node, away, hops } = answered;
    now = answered.endsAt;
    if (dead?.has(node)) continue;
    if (holders?.has(node)) return result(true, hops);
    closest.offer(node, away);
    hopsOf.set(node, hops);
    for (const referred of closestKnown(topology, node, target)) queue(referred, hops + 1, away);
  }
  return result(false, Math.max(0, ...closest.nodes.map((node) => hopsOf.get(node) ?? 0)));
}

/** Takes the element with the least key out of a short list. */
function takeLeast<T>(list: T[], key: (element: T) => number): T | undefined {
  let least = 0;
  for (let index = 1; index < list.length; index += 1) {
    if (key(list[index] as T) < key(list[least] as T)) least = index;
  }
  return list.splice(least, 1)[0];
}
