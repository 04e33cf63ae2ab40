import type { Hex } from "viem";
import {
  resolveErrors,
  type Answer,
  type Change,
  type Resolver,
} from "../../src/resolver/answer.ts";
import { BlockcloudError } from "../../src/protocol/errors.ts";
import { parseName, rawName } from "../../src/protocol/name.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";

/** An answer for a service of a number, with as much of the rest as a test cares for. */
export function answerOf(number: bigint, given: Partial<Answer> = {}): Answer {
  return {
    serviceId: rootServiceId(number),
    name: undefined,
    endpoints: [{ uri: "https://192.0.2.7:8443/", priority: 0, weight: 1 }],
    record: "0xc0ffee",
    nameRecord: undefined,
    issuedAt: 1_700_000_000_000,
    expiresAt: 1_700_000_060_000,
    source: "coral",
    superseded: false,
    service: {
      number,
      status: "Active",
      key: "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
      stake: 1_000n * 10n ** 18n,
      verdicts: [{ epoch: 7, verdict: 3 }],
      block: 100n,
    },
    ...given,
  };
}

/** A resolver that knows what a test has told it. */
export class FakeResolver implements Resolver {
  /** By name and by ID. */
  readonly #known = new Map<string, Answer | BlockcloudError>();
  readonly #watchers = new Set<{
    serviceId: Hex | undefined;
    call(id: Hex, change: Change): void;
  }>();
  /** What was asked for, in order. */
  readonly asked: {
    name: string;
    hops: readonly string[];
    signal: AbortSignal | undefined;
  }[] = [];
  /** Set, lookups wait for it. */
  gate: Promise<void> | undefined;
  /** Whether `lookupName` knows what was set. */
  cached = false;

  /** Those who watch now. */
  get watching(): number {
    return this.#watchers.size;
  }

  /** Makes a name, and the ID, mean an answer, and tells who watches. */
  set(name: string, answer: Answer): void {
    this.#known.set(name, { ...answer, name });
    this.#known.set(answer.serviceId, answer);
    this.#known.set(rawName(answer.serviceId), answer);
    this.#tell(answer.serviceId, { answer });
  }

  /** Makes a name, or an ID, an error, and tells who watches an ID. */
  fail(name: string, code: string, serviceId?: Hex): void {
    const error = new BlockcloudError(code, `It is ${code}.`);
    this.#known.set(name, error);
    if (serviceId === undefined) return;
    this.#known.set(serviceId, error);
    this.#tell(serviceId, { error: { code, message: error.message } });
  }

  lookup(serviceId: Hex): Answer | undefined {
    return this.#cached(serviceId);
  }

  lookupName(name: string): Answer | undefined {
    return this.cached ? this.#cached(name) : undefined;
  }

  async resolve(
    name: string,
    options: { signal?: AbortSignal; hops?: readonly string[] } = {},
  ): Promise<Answer> {
    this.asked.push({ name, hops: options.hops ?? [], signal: options.signal });
    const found = this.#known.get(name.toLowerCase());
    if (found === undefined) parseName(name);
    await this.gate;
    options.signal?.throwIfAborted();
    if (found === undefined) throw new BlockcloudError(resolveErrors.unknown, "Unknown.");
    if (found instanceof BlockcloudError) throw found;
    return found;
  }

  watch(serviceId: Hex, listener: (change: Change) => void): () => void {
    return this.#watch(serviceId, (_, change) => {
      listener(change);
    });
  }

  watchAll(listener: (serviceId: Hex, change: Change) => void): () => void {
    return this.#watch(undefined, listener);
  }

  #watch(serviceId: Hex | undefined, call: (id: Hex, change: Change) => void): () => void {
    const watcher = { serviceId, call };
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  #tell(serviceId: Hex, change: Change): void {
    for (const watcher of [...this.#watchers]) {
      if (watcher.serviceId === undefined || watcher.serviceId === serviceId) {
        watcher.call(serviceId, change);
      }
    }
  }

  #cached(key: string): Answer | undefined {
    const found = this.#known.get(key);
    return found instanceof BlockcloudError ? undefined : found;
  }
}
