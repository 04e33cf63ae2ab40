import type { Timers } from "../../node/timers.ts";
import { within } from "../../node/within.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { resolveErrors, type Answer, type Resolver } from "../answer.ts";

/** How long a look-up may take, milliseconds. */
const LOOK_UP_MS = 10_000;

/** Looks names up for HTTP's clients. */
export class LookUps {
  readonly #resolver: Pick<Resolver, "resolve" | "lookUpName">;
  readonly #timers: Timers;

  constructor(resolver: Pick<Resolver, "resolve" | "lookUpName">, timers: Timers) {
    this.#resolver = resolver;
    this.#timers = timers;
  }

  /** @throws BlockcloudError with a code of `resolveErrors`; or the signal's reason. */
  async answer(name: string, signal?: AbortSignal, hops: readonly string[] = []): Promise<Answer> {
    const known = this.#resolver.lookUpName(name.toLowerCase().replace(/\.$/, ""));
    if (known !== undefined) return known;
    return within(
      { milliseconds: LOOK_UP_MS, timers: this.#timers, signal },
      (ending) => this.#resolver.resolve(name, { signal: ending, hops }),
      () => new BlockcloudError(resolveErrors.unreachable, "No answer in time."),
    );
  }
}
