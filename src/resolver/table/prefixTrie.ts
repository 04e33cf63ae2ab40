import type { Hex } from "viem";
import { ID_WORDS, readWords, type Prefix } from "./prefix.ts";

/** The node of the empty prefix, which is never removed. As a child index it means "no child". */
const ROOT = 0;
const FIRST_CAPACITY = 64;

/**
 * Values by prefix, and the longest prefix of an ID: a path-compressed binary trie (Morrison, "PATRICIA",
 * JACM 1968) in typed arrays. A lookup visits one node for each prefix or fork on its path, about
 * log2(prefixes) of them, and compares each bit once; it allocates nothing.
 */
export class PrefixTrie<T> {
  readonly #key = new Uint32Array(ID_WORDS);
  /** For node `n`: its bits at `n * ID_WORDS`, their number, its children for a 0 and a 1 at `2 n`. */
  #bits = new Uint32Array(FIRST_CAPACITY * ID_WORDS);
  #lengths = new Uint16Array(FIRST_CAPACITY);
  #children = new Int32Array(FIRST_CAPACITY * 2);
  readonly #values: (T | undefined)[] = [undefined];
  readonly #free: number[] = [];
  #used = 1;

  /** The value of the longest prefix that an ID begins with. */
  match(id: Hex): T | undefined {
    readWords(id, this.#key);
    let found = this.#values[ROOT];
    for (let node = this.#next(ROOT); node !== ROOT; node = this.#next(node)) {
      if (this.#commonBits(node) < this.#length(node)) break;
      found = this.#values[node] ?? found;
    }
    return found;
  }

  get(prefix: Prefix): T | undefined {
    return this.#values[this.#find(prefix).node];
  }

  /** Sets the value of a prefix. */
  set(prefix: Prefix, value: T): void {
    readWords(prefix.bits, this.#key);
    let node = ROOT;
    while (this.#length(node) < prefix.length) {
      const child = this.#next(node);
      if (child === ROOT) {
        node = this.#insert(node, prefix.length, ROOT);
        break;
      }
      const common = Math.min(this.#commonBits(child), prefix.length);
      node = common < this.#length(child) ? this.#insert(node, common, child) : child;
    }
    this.#values[node] = value;
  }

  /** Removes a prefix, and the nodes that only led to it. */
  delete(prefix: Prefix): void {
    const { node, parent, grandparent } = this.#find(prefix);
    if (node === -1) return;
    this.#values[node] = undefined;
    this.#shorten(node, parent);
    this.#shorten(parent, grandparent);
  }

  /** Removes a node that has no value and is not a fork. */
  #shorten(node: number, parent: number): void {
    if (node === ROOT || this.#values[node] !== undefined) return;
    const [zero = ROOT, one = ROOT] = this.#children.subarray(2 * node, 2 * node + 2);
    if (zero !== ROOT && one !== ROOT) return;
    this.#children[this.#slot(parent)] = zero + one;
    this.#children.fill(ROOT, 2 * node, 2 * node + 2);
    this.#free.push(node);
  }

  /** The node of a prefix, or -1, and its parent and grandparent. */
  #find(prefix: Prefix): { node: number; parent: number; grandparent: number } {
    readWords(prefix.bits, this.#key);
    let [node, parent, grandparent] = [ROOT, ROOT, ROOT];
    while (this.#length(node) < prefix.length) {
      [grandparent, parent, node] = [parent, node, this.#next(node)];
      if (node === ROOT || this.#commonBits(node) < this.#length(node)) return missing;
    }
    return this.#length(node) === prefix.length ? { node, parent, grandparent } : missing;
  }

  /** Inserts a node for the key's first bits below a parent and above its previous child. */
  #insert(parent: number, length: number, below: number): number {
    const node = this.#free.pop() ?? this.#append();
    this.#lengths[node] = length;
    this.#bits.set(this.#key, node * ID_WORDS);
    this.#values[node] = undefined;
    if (below !== ROOT) this.#children[2 * node + this.#bitOf(below, length)] = below;
    this.#children[this.#slot(parent)] = node;
    return node;
  }

  #append(): number {
    const node = this.#used;
    this.#used += 1;
    if (node < this.#lengths.length) return node;
    const capacity = 2 * node;
    this.#bits = grown(this.#bits, new Uint32Array(capacity * ID_WORDS));
    this.#lengths = grown(this.#lengths, new Uint16Array(capacity));
    this.#children = grown(this.#children, new Int32Array(capacity * 2));
    return node;
  }

  #length(node: number): number {
    return this.#lengths[node] ?? 0;
  }

  /** The child of a node on the key's path. */
  #next(node: number): number {
    return this.#children[this.#slot(node)] ?? ROOT;
  }

  /** The index of the child on the key's path. */
  #slot(node: number): number {
    const at = this.#length(node);
    return 2 * node + (((this.#key[at >>> 5] ?? 0) >>> (31 - (at & 31))) & 1);
  }

  #bitOf(node: number, at: number): number {
    return ((this.#bits[node * ID_WORDS + (at >>> 5)] ?? 0) >>> (31 - (at & 31))) & 1;
  }

  /**
   * The number of leading bits that a node and the key share; at least the node's length if all of its bits
   * agree.
   */
  #commonBits(node: number): number {
    const words = (this.#length(node) + 31) >>> 5;
    for (let index = 0; index < words; index += 1) {
      const differs = (this.#bits[node * ID_WORDS + index] ?? 0) ^ (this.#key[index] ?? 0);
      if (differs !== 0) return 32 * index + Math.clz32(differs);
    }
    return 32 * words;
  }
}

const missing = { node: -1, parent: ROOT, grandparent: ROOT };

function grown<A extends Uint32Array | Uint16Array | Int32Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
