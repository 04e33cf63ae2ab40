import { distance, type Id, type Topology } from "./topology.ts";

/** The nodes closest to an ID among those offered, the closest first, at most `capacity`. */
export class ClosestList {
  readonly #capacity: number;
  readonly #target: Id;
  readonly #topology: Topology;
  readonly #nodes: number[] = [];
  readonly #distances: number[] = [];

  constructor(topology: Topology, target: Id, capacity: number) {
    this.#topology = topology;
    this.#target = target;
    this.#capacity = capacity;
  }

  get nodes(): readonly number[] {
    return this.#nodes;
  }

  /** Whether a node at a distance would be added. */
  takes(away: number): boolean {
    return (
      this.#nodes.length < this.#capacity ||
      away < (this.#distances[this.#capacity - 1] ?? Infinity)
    );
  }

  /** Offers a node that was not offered earlier. */
  offer(node: number, away = distance(this.#topology.id(node), this.#target)): void {
    if (!this.takes(away)) return;
    let place = this.#nodes.length;
    while (place > 0 && (this.#distances[place - 1] ?? 0) > away) place -= 1;
    this.#nodes.splice(place, 0, node);
    this.#distances.splice(place, 0, away);
    if (this.#nodes.length > this.#capacity) {
      this.#nodes.pop();
      this.#distances.pop();
    }
  }
}

/** The nodes closest to an ID that a node knows: its response to a lookup. */
export function closestKnown(topology: Topology, node: number, target: Id): readonly number[] {
  const list = new ClosestList(topology, target, topology.bucketSize);
  for (const contact of topology.tables[node] ?? []) list.offer(contact);
  return list.nodes;
}

/** The nodes that are really closest, found among all nodes. */
export function closestOfAll(topology: Topology, target: Id, count: number): readonly number[] {
  const list = new ClosestList(topology, target, count);
  for (let node = 0; node < topology.size; node += 1) list.offer(node);
  return list.nodes;
}
