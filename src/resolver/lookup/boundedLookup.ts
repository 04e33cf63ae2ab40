import type { Timers } from "../../node/timers.ts";
import { within } from "../../node/within.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { resolveErrors, type Answer, type Resolver } from "../answer.ts";

export interface BoundedLookupOptions {
  /** How long one lookup may take, milliseconds. */
  milliseconds: number;
  timers: Timers;
}

/** Lookups for the clients of a front: a held answer at once, any other within a bounded time. */
export class BoundedLookup {
  readonly #resolver: Pick<Resolver, "resolve" | "lookupName">;
  readonly #options: BoundedLookupOptions;

  constructor(resolver: Pick<Resolver, "resolve" | "lookupName">, options: BoundedLookupOptions) {
    this.#resolver = resolver;
    this.#options = options;
  }

  /**
   * @param name A name or an ID. Held answers are kept under lower-case names without a final dot.
   * @param caller Its signal ends the wait early; it is read only if the answer is not held.
   * @param hops Resolvers that the lookup has passed.
   * @throws BlockcloudError with a code of `resolveErrors`; or the signal's reason.
   */
  answer(
    name: string,
    caller?: { readonly signal: AbortSignal },
    hops: readonly string[] = [],
  ): Answer | Promise<Answer> {
    const lower = name.toLowerCase();
    const held = this.#resolver.lookupName(lower.endsWith(".") ? lower.slice(0, -1) : lower);
    if (held !== undefined) return held;
    return within(
      { ...this.#options, signal: caller?.signal },
      (ending) => this.#resolver.resolve(name, { signal: ending, hops }),
      () => new BlockcloudError(resolveErrors.unreachable, "No answer in time."),
    );
  }
}
