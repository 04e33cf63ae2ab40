import { silentLogger } from "../../src/node/logger.ts";
import { systemTimers, type Timers } from "../../src/node/timers.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { ServiceClient } from "../../src/client/serviceClient.ts";
import type { FetchLimits } from "../../src/client/serviceFetch.ts";
import type { Answer } from "../../src/resolver/answer.ts";
import type { ResolveSource } from "../../src/resolver/sources.ts";
import { DEPLOYMENT } from "./fakeChain.ts";
import { answerOf, FakeResolver } from "./fakeResolver.ts";
import { SERVICE_KEY } from "./serviceRig.ts";

/** The service of {@link ServiceRig}. */
export const SEVEN = rootServiceId(7n);
export const WEATHER = "weather.bloc.alt";

/** A client whose answers a test sets. */
export class ClientRig {
  readonly resolver = new FakeResolver();
  /** What became of the sources, in order. */
  readonly events: string[] = [];
  readonly client: ServiceClient;
  /** What the next starts fail with. */
  readonly failures: Error[] = [];
  /** Set, starts wait for it. */
  gate: Promise<void> | undefined;

  constructor(limits: Partial<FetchLimits> = {}, timers: Timers = systemTimers) {
    this.client = new ServiceClient(
      {
        deployment: DEPLOYMENT,
        limits: { timeMs: 60_000, maxBytes: 1_000_000, allowLoopback: true, ...limits },
      },
      { createSource: () => this.#source(), timers, log: silentLogger },
    );
  }

  /** Lets service 7, under its name too, be at some URLs, which are tried in this order. */
  at(...uris: string[]): Answer {
    const answer = answerOf(7n, {
      endpoints: uris.map((uri, priority) => ({ uri, priority, weight: 1 })),
      service: {
        ...{ number: 7n, status: "Active", key: addressOfKey(SERVICE_KEY), stake: 1n },
        ...{ verdicts: [], block: 1n },
      },
    });
    this.resolver.set(WEATHER, answer);
    return answer;
  }

  #source(): ResolveSource {
    this.events.push("created");
    return {
      start: async () => {
        this.events.push("started");
        await this.gate;
        const failure = this.failures.shift();
        if (failure !== undefined) throw failure;
      },
      stop: async () => {
        this.events.push("stopped");
        return Promise.resolve();
      },
      ask: async (name, signal) => ({
        answer: await this.resolver.resolve(name, { signal }),
        verified: true,
        unconfirmed: [],
      }),
      watch: (serviceId, listener) => this.resolver.watch(serviceId, listener),
      verifyRecord: () => Promise.reject(new Error("The tests with this rig send no record.")),
    };
  }
}
