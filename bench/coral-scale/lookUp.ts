import { ClosestList, closestKnown } from "./closest.ts";
import type { Random } from "./random.ts";
import { distance, type Id, type Topology } from "./topology.ts";

/** How a request and its answer travel: so many milliseconds, drawn evenly from these bounds. */
export const ROUND_TRIP_MS = { from: 10, to: 150 } as const;
/** After how long a node gives up on one that does not answer, in milliseconds. */
const TIMEOUT_MS = 1000;

/** How look-ups are made. */
export interface Manner {
  /** How many requests a path may have under way. */
  alpha: number;
  /** Among how many paths those that are known at the beginning are dealt out; nobody is asked by two. */
  paths: number;
  /** With so many answers that carry the record a look-up ends. */
  answers: number;
}

/** A look-up that a simulated node makes. */
export interface LookUpOptions extends Manner {
  from: number;
  target: Id;
  /** Who has the record. Nobody: it finds the closest. */
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
  /** Referrals behind the first answer that counted: 1 for a node of the own table. */
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

/** One path of a look-up. */
interface Path {
  /** The closest that answered on it: it goes on while somebody closer is known. */
  closest: ClosestList;
  waiting: Request[];
  underWay: number;
}

/**
 * An iterative look-up by the rules of `@libp2p/kad-dht`: it begins with the closest of the own table, dealt
 * out to paths; each keeps `alpha` requests under way, always asks the closest one not asked, follows only
 * referrals to nodes closer than who refers, and ends when no node left could be among its closest.
 */
export function lookUp(topology: Topology, options: LookUpOptions, random: Random): LookUpResult {
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

/** Takes the element with the least key out of a short list. */
function takeLeast<T>(list: T[], key: (element: T) => number): T | undefined {
  let least = 0;
  for (let index = 1; index < list.length; index += 1) {
    if (key(list[index] as T) < key(list[least] as T)) least = index;
  }
  return list.splice(least, 1)[0];
}
