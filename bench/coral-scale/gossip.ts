import type { Random } from "./random.ts";

/** Mesh degree of gossipsub: target and maximum (GossipsubD, GossipsubDhi). */
export const MESH = { degree: 6, most: 12 } as const;

/** One publication over a mesh. */
export interface Spread {
  /** Links of each node in the mesh, on average. */
  degree: number;
  /** Nodes that received it, including the publisher. */
  reached: number;
  /** Hops to the last node. */
  hops: number;
  /** Total messages, including duplicates. */
  messages: number;
}

/**
 * A mesh as gossipsub grafts it: every node links to others drawn at random until it has `degree`, and no
 * node takes more than `most`.
 */
export function buildMesh(size: number, random: Random): Set<number>[] {
  const mesh = Array.from({ length: size }, () => new Set<number>());
  mesh.forEach((links, node) => {
    // Bounded, because a network smaller than the degree has no more nodes to link to.
    for (let draw = 0; draw < 50 * MESH.degree && links.size < MESH.degree; draw += 1) {
      const other = random.below(size);
      const theirs = mesh[other];
      if (!theirs || other === node || theirs.size >= MESH.most) continue;
      links.add(other);
      theirs.add(node);
    }
  });
  return mesh;
}

/** Pushes one message: each node forwards the first copy to all its links except the one it came from. */
export function spread(mesh: readonly ReadonlySet<number>[], publisher: number): Spread {
  const seen = new Set([publisher]);
  let ring: { node: number; from: number }[] = [{ node: publisher, from: -1 }];
  let [hops, messages] = [0, 0];
  while (ring.length > 0) {
    const next: typeof ring = [];
    for (const { node, from } of ring) {
      for (const link of mesh[node] ?? []) {
        if (link === from) continue;
        messages += 1;
        if (seen.has(link)) continue;
        seen.add(link);
        next.push({ node: link, from: node });
      }
    }
    if (next.length > 0) hops += 1;
    ring = next;
  }
  const links = mesh.reduce((sum, { size }) => sum + size, 0);
  return { degree: links / mesh.length, reached: seen.size, hops, messages };
}
