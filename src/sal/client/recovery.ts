import { raceSignal } from "race-signal";
import { BlockcloudError } from "../../protocol/errors.ts";
import { salError, salErrors } from "../errors.ts";
import type { ProvenLink } from "../handshake/clientHandshake.ts";
import type { Session } from "../session/session.ts";
import type { ClientSessionDependencies, MoveReason } from "./dependencies.ts";
import { dialProven, ENDPOINT_MS, type Wanted } from "./dialProven.ts";
import type { Located } from "./locator.ts";
import { Pace } from "./pace.ts";
import type { Resumption } from "./resumption.ts";
import { revocationOf } from "./revocation.ts";

export interface RecoveryParts {
  /** Of the service: it has the session. */
  instance: Buffer;
  session: Session;
  /** The endpoint in use. */
  endpoint(): string;
  /** Another instance has answered, and the session's own has not been found. */
  strayed(): void;
  located(): Located;
  relocated(located: Located): void;
  resumption: Resumption;
  dependencies: ClientSessionDependencies;
}

/** A search for another link. */
interface Running {
  reason: MoveReason;
  /** Monotonic milliseconds. */
  readonly began: number;
  readonly stop: AbortController;
  /** Whether the provider was asked to go on over another link. */
  isResuming: boolean;
  /** Ends the connections that are being made. */
  dialling: AbortController | undefined;
  /** A lookup of the newest record; it goes on over several tries. */
  lookup: Promise<Located> | undefined;
  /** What a lookup found that no further try can change. */
  verdict: BlockcloudError | undefined;
  /** Whether the service proved at all its endpoints to be other instances. */
  isGone: boolean;
}

/** Pauses between tries, milliseconds; the first follows at once. */
const PAUSE_MS = { first: 50, most: 5_000 };
/**
 * How long each endpoint may take in the first try, milliseconds and round trips; twice as long in each further one, up
 * to `ENDPOINT_MS`. TCP sends a lost SYN again after 1, 3 and 7 s: too late for a path that was away for a moment.
 */
const TRY_MS = { least: 1_000, roundTrips: 8 };
/** Why connecting was given up, if it begins again at once. */
const AGAIN = salError("cancelled", "The host's network has changed.");
/** How long a session without any path is kept: with flows, and without, milliseconds. The provider's are the same. */
const KEEP_MS = { flows: 600_000, idle: 24 * 3_600_000 };

/** Reasons for which the relayed link that is kept open is no place to go to. */
const FORWARD: readonly MoveReason[] = ["announced", "upgrade"];

/** Moves a session to another link: it finds the service, dials it beside the present link, and resumes. */
export class Recovery {
  readonly #parts: RecoveryParts;
  #running: Running | undefined;
  /** Settles when the last search is over. */
  #settled: Promise<void> = Promise.resolve();
  #isAstray = false;
  /** Version of the record that the last lookup past the caches gave. */
  #newest: number | undefined;
  /** Ends the pause before the next try; `isOwn` if the reason is this host's. */
  #hurry = (_isOwn: boolean) => {};
  readonly #pace: Pace;

  constructor(parts: RecoveryParts) {
    this.#parts = parts;
    this.#pace = new Pace(parts.dependencies.clock);
  }

  /** Whether another link is being looked for. */
  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Resolves when no other link is being looked for. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#settled;
  }

  /** Whether the session cannot be found, while other instances of the service live. */
  get isAstray(): boolean {
    return this.#isAstray;
  }

  /** Begins to look for another link, unless it does so already; then it hurries. */
  start(reason: MoveReason): void {
    if (this.#running !== undefined) {
      // A lost link is no false alarm, whatever the first reason was; but a resumption ends the old link itself.
      const isOwn = reason === "lost" && this.#running.isResuming;
      if (reason !== "silence" && !isOwn) this.#running.reason = reason;
      const isHost = reason === "interfaces" || reason === "wake";
      if (isHost) this.#again(this.#running);
      this.#hurry(isHost);
      return;
    }
    const began = this.#parts.dependencies.clock.monotonic();
    const stop = new AbortController();
    this.#newest = undefined;
    const none = { dialling: undefined, lookup: undefined, verdict: undefined };
    const running: Running = { reason, began, stop, isResuming: false, isGone: false, ...none };
    this.#running = running;
    this.#settled = this.#run(running).finally(() => {
      if (this.#running === running) this.#running = undefined;
    });
  }

  /** The host's network has changed: connections from an address that has gone would wait until their limit. */
  #again({ isResuming, dialling }: Running): void {
    if (!isResuming) dialling?.abort(AGAIN);
  }

  /** The present link gives bytes again; returns whether that ended a search that only silence had begun. */
  calm(): boolean {
    const running = this.#running;
    if (running?.reason !== "silence" || running.isResuming) return false;
    this.#running = undefined;
    this.#isAstray = false;
    running.stop.abort(salError("cancelled", "The link works again."));
    return true;
  }

  stop(error: BlockcloudError): void {
    this.#running?.stop.abort(error);
    this.#running = undefined;
  }

  async #run(running: Running): Promise<void> {
    const { session, dependencies } = this.#parts;
    const { clock, log } = dependencies;
    const { began, stop } = running;
    const { signal } = stop;
    let pause = PAUSE_MS.first;
    /** Whether this host's own network is the reason for the next try. */
    let isAgain = false;
    let limit = Math.max(TRY_MS.least, TRY_MS.roundTrips * session.srtt);
    for (; !signal.aborted; pause = Math.min(2 * pause, PAUSE_MS.most), limit *= 2) {
      const early = isAgain ? 0 : this.#pace.take();
      isAgain = false;
      if (early > 0) {
        await this.#pause(early, signal, (isOwn) => isOwn);
        if (signal.aborted) return;
      }
      try {
        await this.#try(running, Math.min(limit, ENDPOINT_MS));
        this.#pace.found();
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (error === AGAIN) {
          isAgain = true;
          continue;
        }
        log.debug("no other path yet", { error });
        // Nothing is wrong with the present path.
        if (running.reason === "upgrade" && session.link !== undefined) return;
        if (isFinal(error, running.isResuming || running.isGone)) {
          // A place where the session is not known is no reason to leave the one where it is.
          if (this.#mayStay(running)) this.#isAstray = false;
          else session.close(revocationOf(error) ?? error, false);
          return;
        }
      }
      running.isResuming = false;
      const keep = session.flows.size > 0 ? KEEP_MS.flows : KEEP_MS.idle;
      if (session.link === undefined && clock.monotonic() - began > keep) {
        session.close(salError("lost", `No path to the service for ${keep / 1000} s.`), false);
        return;
      }
      await this.#pause(pause, signal);
    }
  }

  /** Whether the present link may be good, as far as its silence does not show the opposite. */
  #mayStay({ reason, began }: Running): boolean {
    const { session } = this.#parts;
    return session.link !== undefined && (reason !== "silence" || session.heardAt > began);
  }

  /** Tries once; returns when the session goes on over the new link. */
  async #try(running: Running, endpointMs: number): Promise<void> {
    const { located } = this.#parts;
    const dependencies = { ...this.#parts.dependencies, endpointMs };
    const { signal } = running.stop;
    if (running.verdict !== undefined) throw running.verdict;
    const found = new AbortController();
    running.dialling = found;
    const each = AbortSignal.any([signal, found.signal]);
    const others = new Set<string>();
    const wanted = {
      instance: this.#parts.instance,
      isOther: (endpoint: string) => {
        others.add(endpoint);
        if (signal.aborted || found.signal.aborted || this.#isAstray) return;
        this.#isAstray = true;
        this.#parts.strayed();
      },
    };
    // Known endpoints at once, and beside them where the newest record leads.
    const known = dialProven(this.#nearest(running), dependencies, each, wanted);
    const newest = running.reason === "announced" ? undefined : this.#lookup(running);
    const fresh =
      newest === undefined
        ? known
        : this.#dialNewest(known, raceSignal(newest, each), dependencies, each, wanted);
    const { parked } = this.#parts.resumption;
    // A direct path may have failed, and the relay's is open: it needs no handshake.
    const isBack = parked !== undefined && !FORWARD.includes(running.reason);
    const warm = isBack ? this.#parts.resumption.takeParked(parked, each) : known;
    const { endpoint, link } = await Promise.any([warm, known, fresh]).catch((error: unknown) => {
      if (found.signal.reason === AGAIN) throw AGAIN;
      const { endpoints, issuedAt } = located();
      // The newest record names the living instances: none of them has the session.
      const isNewest = this.#newest === issuedAt && endpoints.length > 0;
      if (isNewest && endpoints.every((uri) => others.has(uri))) {
        running.isGone = true;
        throw salError("lost", "The instance of the service that had the session is gone.");
      }
      const { errors } = error as AggregateError;
      throw errors.find((each) => isFinal(each, false)) ?? errors[0];
    });
    found.abort(salError("cancelled", "Another path was faster."));
    for (const other of [warm, known, fresh]) {
      other.then(
        (each) => {
          if (each.link !== link) each.link.greeting.abandon(found.signal.reason);
        },
        () => undefined,
      );
    }
    running.isResuming = true;
    await this.#parts.resumption.onto({ endpoint, link }, running.reason, signal);
    this.#isAstray = false;
  }

  /** Where to dial: the endpoint in use leads to the session's own instance, even if it has left the record since. */
  #nearest({ reason }: Running): Located {
    const located = this.#parts.located();
    const inUse = this.#parts.endpoint();
    const others = located.endpoints.filter((uri) => uri !== inUse);
    if (others.length < located.endpoints.length) {
      return { ...located, endpoints: [inUse, ...others] };
    }
    return reason === "announced" ? located : { ...located, endpoints: [...others, inUse] };
  }

  /** Looks past the caches for a newer record; there is one lookup at a time. */
  #lookup(running: Running): Promise<Located> {
    if (running.lookup !== undefined) return running.lookup;
    const { dependencies, located, relocated } = this.#parts;
    const { serviceId, issuedAt } = located();
    const lookup = dependencies.locator
      .relocate(serviceId, issuedAt, running.stop.signal)
      .then((newest) => {
        if (newest.issuedAt > issuedAt) this.#hurry(false);
        relocated(newest);
        this.#newest = newest.issuedAt;
        return newest;
      })
      .finally(() => {
        running.lookup = undefined;
      });
    // A try that has failed no longer listens.
    lookup.catch((error: unknown) => {
      if (isFinal(error, false)) running.verdict = error;
    });
    running.lookup = lookup;
    return lookup;
  }

  /** Dials where the newest record leads; a lookup that takes longer than the dialling does not hold up the next try. */
  async #dialNewest(
    known: Promise<{ endpoint: string; link: ProvenLink }>,
    newest: Promise<Located>,
    dependencies: Parameters<typeof dialProven>[1],
    signal: AbortSignal,
    wanted: Wanted,
  ): Promise<{ endpoint: string; link: ProvenLink }> {
    const old = this.#parts.located();
    const located = await Promise.race([newest, known.then(() => newest)]);
    const isSame = old.endpoints.every((uri) => located.endpoints.includes(uri));
    // The same places, which are being dialled.
    if (isSame && located.key === old.key && located.endpoints.length === old.endpoints.length) {
      return known;
    }
    return dialProven(located, dependencies, signal, wanted);
  }

  /** @param isEndedBy Whether a reason to hurry ends this pause. */
  async #pause(
    milliseconds: number,
    signal: AbortSignal,
    isEndedBy: (isOwn: boolean) => boolean = () => true,
  ): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = () => {
        cancel();
        signal.removeEventListener("abort", done);
        resolve();
      };
      const cancel = this.#parts.dependencies.clock.after(milliseconds, done);
      signal.addEventListener("abort", done, { once: true });
      this.#hurry = (isOwn) => {
        if (isEndedBy(isOwn)) done();
      };
    });
  }
}

/**
 * Whether another try cannot help: the service has no such session, or must not serve.
 *
 * @param isProven Whether the error may be the service's own. An endpoint that has not proved to be the service could
 *   end sessions otherwise.
 */
function isFinal(error: unknown, isProven: boolean): error is BlockcloudError {
  if (!(error instanceof BlockcloudError)) return false;
  return revocationOf(error) !== undefined || (isProven && NO_SESSION.includes(error.code));
}

/** Answers to RESUME. */
const NO_SESSION: readonly string[] = [
  salErrors.lost,
  salErrors.version,
  salErrors.revoked,
  salErrors.key,
];
