import type { Socket } from "node:net";
import { DialRules } from "../../net/dialRules.ts";
import type { Startable } from "../../node/lifecycle.ts";
import type { Logger } from "../../node/logger.ts";
import type { Scheduler } from "../../node/scheduler.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { relayErrors } from "../../sal/relay/errors.ts";
import {
  RelayLine,
  type RelayLimits,
  type RelayStatus,
  type RelayTerms,
} from "../../sal/relay/relayLine.ts";
import { relayName, type RelayAddress } from "../../sal/relay/relayName.ts";
import type { Link, Relayed } from "../../sal/transport/link.ts";
import type { DirectServiceSettings } from "./directService.ts";

/** The relays of a service. */
export interface RelaySettings {
  relays: readonly RelayAddress[];
  limits?: RelayLimits | undefined;
  /** How clients may leave the relays. */
  direct?: DirectServiceSettings | undefined;
}

/** Most relays of one service: a record has 16 endpoints. */
export const MAX_RELAYS = 8;

/** How often it is said that no relay leads here, while that is so, milliseconds. */
export const REMIND_MS = 60_000;

export interface RelayLinesDependencies {
  clock: Scheduler;
  log: Logger;
  now(): number;
  accept(socket: Socket, visitor: Link["peer"], relayed: Relayed): void;
  metrics?: { relays(reserved: number, wanted: number): void } | undefined;
}

/** A service's lines to its relays. */
export class RelayLines implements Startable {
  readonly #lines: readonly RelayLine[];
  readonly #log: Logger;
  readonly #told: () => void;
  readonly #clock: Scheduler;
  #cancelReminder: () => void = () => {};
  #isStopped = false;

  /** @throws BlockcloudError `RELAY_OPTIONS` for too many relays, or one that is named twice. */
  constructor(
    { relays, limits }: RelaySettings,
    terms: Omit<RelayTerms, "limits">,
    { metrics, ...dependencies }: RelayLinesDependencies,
  ) {
    const names = new Set(relays.map(relayName));
    if (names.size < relays.length || relays.length > MAX_RELAYS) {
      throw new BlockcloudError(
        relayErrors.options,
        `${relays.length} relays are given, ${names.size} different ones.`,
        { remedy: `Give at most ${MAX_RELAYS} relays, each once.` },
      );
    }
    this.#log = dependencies.log;
    this.#clock = dependencies.clock;
    this.#told = () => metrics?.relays(this.endpoints().length, relays.length);
    // The operator names them, so they may be in a private network.
    const rules = new DialRules({ allowLoopback: true, anyAddress: true });
    const parts = { ...dependencies, rules, changed: this.#told };
    this.#lines = relays.map(
      (relay, index) => new RelayLine(relay, index + 1, { ...terms, limits }, parts),
    );
  }

  /** The endpoints of the relays that lead here now; one that is lost is not among them. */
  endpoints(): string[] {
    return this.#lines.filter(({ isReserved }) => isReserved).map(({ endpoint }) => endpoint);
  }

  /** How each line stands, in the order of the settings. */
  get status(): RelayStatus[] {
    return this.#lines.map(({ status }) => status);
  }

  /** Resolves when one of them leads here, or all have been tried once. */
  async start(): Promise<void> {
    if (this.#lines.length === 1) {
      this.#log.warn("the service has one relay", {
        remedy: "Give --relay twice: when a relay is lost, clients go on over another one.",
      });
    }
    this.#told();
    const all = this.#lines.map(async (line) => {
      await line.start();
      if (!line.isReserved) throw line.failure ?? new Error("stopped");
    });
    // A relay that cannot be used is logged, and tried again.
    await Promise.any(all).catch(() => undefined);
    if (this.#lines.length > 0) this.#remind();
  }

  /** A relay's own failure is logged once; that the service has no relay at all must not be overlooked. */
  #remind(): void {
    if (this.#isStopped) return;
    this.#cancelReminder = this.#clock.after(REMIND_MS, () => {
      this.#remind();
    });
    if (this.endpoints().length > 0) return;
    this.#log.warn("no relay leads clients here", {
      relays: this.status.map(({ relay, failure }) => `${relay}: ${failure ?? "not reserved yet"}`),
      remedy: "Check the addresses in --relay, and that the relays run; they are tried again.",
    });
  }

  /** Another process goes on as this instance: it takes the reservations, as it should. */
  succeeded(): void {
    for (const line of this.#lines) line.succeeded();
  }

  /** No more visitors come; those that are here are not touched. */
  stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelReminder();
    for (const line of this.#lines) line.stop();
    return Promise.resolve();
  }
}
