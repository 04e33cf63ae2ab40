import { isReachable } from "../../../net/addresses.ts";
import type { Logger } from "../../../node/logger.ts";
import { withSignal, type Scheduler } from "../../../node/scheduler.ts";
import type { Startable } from "../../../node/lifecycle.ts";
import type { BlockcloudError } from "../../../protocol/errors.ts";
import type { Place } from "../../transport/link.ts";
import { CandidateKind, type Candidate } from "../candidates.ts";
import { mappingFailed, type NatPmp } from "./natPmp.ts";

/** How long a mapping is asked for, seconds: one that is forgotten ends by itself. */
const LEASE_S = 3_600;
/** A gateway's answer is believed within these bounds, seconds. */
const LEAST_S = 60;
/** When a mapping that failed is tried again, milliseconds. */
const AGAIN_MS = 600_000;
/** How long a gateway may take in all, milliseconds; and at the end, when it takes the mapping away. */
const ASK_MS = 4_000;
const END_MS = 2_000;
/** Lowest port that clients dial directly. */
const LEAST_PORT = 1_024;

export interface PortMapperDependencies {
  /** Undefined if the host has no gateway that could be asked. */
  gateway(): Pick<NatPmp, "address" | "map"> | undefined;
  clock: Scheduler;
  log: Logger;
  /** A mapping came, or went. */
  changed?: () => void;
}

/** Keeps a port of the gateway that leads to a port of this host, and takes it away when it stops. */
export class PortMapper implements Startable {
  readonly #port: () => number | undefined;
  readonly #dependencies: PortMapperDependencies;
  readonly #over = new AbortController();
  #mapped: (Place & { internal: number }) | undefined;
  #failure: string | undefined;
  #cancel = () => {};
  #running: Promise<void> = Promise.resolve();

  /**
   * @param port Where this host listens; it is read for each lease, because a service may move. Undefined if it does
   *   not listen.
   */
  constructor(port: () => number | undefined, dependencies: PortMapperDependencies) {
    this.#port = port;
    this.#dependencies = dependencies;
  }

  /** The mapping; undefined if there is none. */
  get candidate(): Candidate | undefined {
    if (this.#mapped === undefined) return undefined;
    const { address, port } = this.#mapped;
    return { kind: CandidateKind.mapped, address, port };
  }

  /** Why there is none. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Asks for the mapping; a service does not wait for it. */
  start(): Promise<void> {
    this.#running = this.#renew();
    return Promise.resolve();
  }

  /** Another process listens at the port from now on, and asks for the mapping: this one neither renews nor ends it. */
  leave(): void {
    this.#over.abort(mappingFailed("Another process serves."));
    this.#cancel();
    this.#mapped = undefined;
  }

  async stop(): Promise<void> {
    this.#over.abort(mappingFailed("The provider stops."));
    this.#cancel();
    await this.#running;
    const { gateway, clock, log } = this.#dependencies;
    const mapped = this.#mapped;
    this.#mapped = undefined;
    if (mapped === undefined) return;
    try {
      await withSignal({ milliseconds: END_MS, clock }, late, async (signal) => {
        await gateway()?.map(mapped.internal, 0, 0, signal);
      });
    } catch (error) {
      log.warn("the gateway did not take the port mapping away; it ends by itself", { error });
    }
  }

  async #renew(): Promise<void> {
    const { clock, log, changed } = this.#dependencies;
    const { signal } = this.#over;
    const before = this.#mapped;
    let next = AGAIN_MS;
    try {
      const { place, seconds } = await withSignal(
        { milliseconds: ASK_MS, clock, signal },
        late,
        (limit) => this.#ask(limit),
      );
      this.#mapped = place;
      this.#failure = undefined;
      next = (seconds * 1_000) / 2;
      if (before?.port !== place.port || before.address !== place.address) {
        log.info("the gateway leads a port here", { address: place.address, port: place.port });
      }
    } catch (error) {
      if (signal.aborted) return;
      const why = error instanceof Error ? error.message : String(error);
      if (this.#failure !== why) log.info("no port mapping", { why });
      this.#failure = why;
      this.#mapped = undefined;
    }
    const isOther =
      before?.port !== this.#mapped?.port || before?.address !== this.#mapped?.address;
    if (isOther) changed?.();
    this.#cancel = clock.after(next, () => {
      this.#running = this.#renew();
    });
  }

  async #ask(
    signal: AbortSignal,
  ): Promise<{ place: Place & { internal: number }; seconds: number }> {
    const gateway = this.#dependencies.gateway();
    if (gateway === undefined) throw mappingFailed("This host has no gateway.");
    const address = await gateway.address(signal);
    if (!isReachable(address, false)) {
      throw mappingFailed(
        `The gateway's own address ${address} is not public: there is another NAT before it.`,
      );
    }
    const internal = this.#port();
    if (internal === undefined) throw mappingFailed("The provider does not listen.");
    const wished = Math.max(internal, LEAST_PORT);
    const mapping = await gateway.map(internal, this.#mapped?.port ?? wished, LEASE_S, signal);
    const { externalPort: port } = mapping;
    const seconds = Math.min(LEASE_S, Math.max(LEAST_S, mapping.seconds));
    if (port < LEAST_PORT) {
      // It must not stay: nobody dials it.
      await gateway.map(internal, 0, 0, signal);
      throw mappingFailed(`The gateway gave the port ${port}, which clients do not dial.`);
    }
    return { place: { address, port, internal }, seconds };
  }
}

function late(): BlockcloudError {
  return mappingFailed("The gateway took too long.");
}
