import { isIP } from "node:net";
import { BlockcloudError, withoutRemedy } from "../../protocol/errors.ts";
import type { ClientSessionDependencies, PathKind } from "../client/dependencies.ts";
import { dialProven } from "../client/dialProven.ts";
import type { Located } from "../client/locator.ts";
import type { Resumption } from "../client/resumption.ts";
import { salError } from "../errors.ts";
import type { ProvenLink } from "../handshake/clientHandshake.ts";
import type { Session } from "../session/session.ts";
import type { Link, Transport } from "../transport/link.ts";
import { encodeFrame } from "../wire/encode.ts";
import { FrameType } from "../wire/frames.ts";
import {
  CandidateKind,
  decodeCandidates,
  encodePunch,
  NoPunch,
  type Candidate,
  type Candidates,
} from "./candidates.ts";
import { PUNCH_MS, type DirectPaths } from "./directPaths.ts";

export interface ClientUpgradeParts {
  session: Session;
  resumption: Resumption;
  /** Of the service: it has the session. */
  instance: Buffer;
  located(): Located;
  /** Whether another link is being looked for: that goes first. */
  isSearching(): boolean;
  /** Resolves when none is. */
  searched(): Promise<void>;
  /** Looks for another way over the relay: a port that was punched once is of no further use. */
  refresh(): void;
  /** Resumes the session over a direct link. */
  adopt(link: ProvenLink, kind: PathKind): Promise<void>;
  /** The session stays on its relay. */
  stays(why: string): void;
  direct: DirectPaths;
  dependencies: ClientSessionDependencies;
}

/** How long a place at which the provider listens may take, milliseconds. */
const PLAIN_MS = 1_500;
/** When a direct path is tried again, milliseconds: each time four times later. */
const AGAIN_MS = { first: 5_000, factor: 4, most: 1_800_000 };
/** A direct path that lasted this long was a good one, milliseconds. */
const GOOD_MS = 300_000;

const KINDS: Readonly<Record<CandidateKind, PathKind>> = {
  [CandidateKind.lan]: "lan",
  [CandidateKind.ipv6]: "ipv6",
  [CandidateKind.mapped]: "mapped",
  [CandidateKind.punch]: "punched",
};

const WHY: Readonly<Record<number, string>> = {
  [NoPunch.none]: "The provider offers no direct path",
  [NoPunch.off]: "The provider stays on its relay",
  [NoPunch.sameAddress]: "Both ends are behind one address: --lan at both allows a path within it",
  [NoPunch.address]: "The provider may not dial this host's address",
};

/** Looks for a path round the relay, whenever the provider of a relayed session says where it may be reached. */
export class ClientUpgrade {
  readonly #parts: ClientUpgradeParts;
  readonly #over = new AbortController();
  readonly #punched = new WeakSet<Link>();
  #newest: Candidates | undefined;
  #isRunning = false;
  #failures = 0;
  /** Since when the session is on a direct path, monotonic milliseconds. */
  #directSince: number | undefined;
  #cancelAgain: (() => void) | undefined;

  constructor(parts: ClientUpgradeParts) {
    this.#parts = parts;
  }

  /**
   * The payload of CANDIDATES. One list is tried at a time; of those that come meanwhile the last one counts.
   *
   * @throws BlockcloudError `SAL_PROTOCOL`.
   */
  take(payload: Buffer): void {
    this.#newest = decodeCandidates(payload);
    if (!this.#isRunning) void this.#run();
  }

  /** The session goes on over another link. */
  moved(): void {
    const isRelayed = this.#parts.session.link?.relayed !== undefined;
    if (!isRelayed) {
      this.#cancelAgain?.();
      this.#cancelAgain = undefined;
      return;
    }
    if (this.#directSince === undefined) return;
    const now = this.#parts.dependencies.clock.monotonic();
    this.#failures = now - this.#directSince >= GOOD_MS ? 0 : this.#failures + 1;
    this.#directSince = undefined;
  }

  stop(): void {
    this.#over.abort(salError("closed", "The session is over."));
    this.#cancelAgain?.();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    const { signal } = this.#over;
    for (let newest = this.#newest; newest !== undefined; newest = this.#newest) {
      this.#newest = undefined;
      try {
        // The list may come with the answer by which a search ends.
        await this.#parts.searched();
        await this.#try(newest);
      } catch (error) {
        if (signal.aborted) break;
        const why = reasonOf(error);
        this.#parts.dependencies.log.debug("no direct path", { why });
        this.#parts.stays(why);
        this.#failures += 1;
        this.#planAgain(this.#pause);
      }
    }
    this.#isRunning = false;
  }

  /** Returns when the session is on a direct path, or the list is of no more concern. */
  async #try({ attempt, noPunch, candidates }: Candidates): Promise<void> {
    const { session, resumption, located, isSearching, direct } = this.#parts;
    const { link } = session;
    const isCurrent = () =>
      session.link === link && resumption.attempt === attempt && !isSearching();
    if (link?.relayed === undefined || !isCurrent()) return;
    const allowed = candidates.filter((each) => direct.rules.allows(each));
    const plain = allowed.filter(({ kind }) => kind !== CandidateKind.punch);
    plain.sort((a, b) => a.kind - b.kind);
    const punch = allowed.find(({ kind }) => kind === CandidateKind.punch);
    if (allowed.length === 0) throw salError("noPath", whyNone(candidates, noPunch));
    const mayPunch = punch !== undefined && !this.#punched.has(link);
    if (plain.length === 0 && !mayPunch) {
      this.#planAgain(this.#pause);
      return;
    }
    const wait = direct.budget.take(located().serviceId);
    if (wait > 0) {
      this.#planAgain(wait);
      return;
    }
    let failure: unknown;
    if (plain.length > 0) {
      try {
        await this.#dial(plain, direct.plain, PLAIN_MS, isCurrent);
        return;
      } catch (error) {
        this.#over.signal.throwIfAborted();
        failure = error;
      }
    }
    if (!isCurrent()) return;
    if (!mayPunch) throw failure;
    this.#punched.add(link);
    const rttMs = session.leastRtt;
    session.send(encodeFrame(FrameType.punch, 0, encodePunch(attempt)));
    // The provider dials when that arrives: the two SYNs leave at the same time.
    await this.#wait(rttMs / 2);
    await this.#dial([punch], direct.punch(link.localPort, rttMs), PUNCH_MS, isCurrent);
  }

  /** Dials places until one has proved to be the session's instance, and goes on there. */
  async #dial(
    places: readonly Candidate[],
    transport: Transport,
    endpointMs: number,
    isCurrent: () => boolean,
  ): Promise<void> {
    const { instance, located, adopt, dependencies } = this.#parts;
    const kinds = new Map(places.map((each) => [uriOf(each), each.kind]));
    const { endpoint, link } = await dialProven(
      { ...located(), endpoints: [...kinds.keys()] },
      { ...dependencies, transport, endpointMs },
      this.#over.signal,
      { instance, isOther: () => {} },
    );
    if (!isCurrent()) {
      link.greeting.abandon(salError("cancelled", "The session has moved meanwhile."));
      return;
    }
    await adopt(link, KINDS[kinds.get(endpoint) ?? CandidateKind.punch]);
    this.#directSince = this.#parts.dependencies.clock.monotonic();
  }

  /** How long the next try waits, milliseconds. */
  get #pause(): number {
    const { first, factor, most } = AGAIN_MS;
    return Math.min(most, first * factor ** Math.max(0, this.#failures - 1));
  }

  #planAgain(milliseconds: number): void {
    this.#cancelAgain?.();
    const { session, refresh, dependencies } = this.#parts;
    this.#cancelAgain = dependencies.clock.after(milliseconds, () => {
      this.#cancelAgain = undefined;
      if (session.link?.relayed === undefined) return;
      // A session without flows needs no better path; it is asked again later.
      if (session.flows.size > 0) refresh();
      else this.#planAgain(milliseconds);
    });
  }

  #wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.#parts.dependencies.clock.after(milliseconds, resolve);
    });
  }
}

function uriOf({ address, port }: Candidate): string {
  return `sal://${isIP(address) === 6 ? `[${address}]` : address}:${port}`;
}

function whyNone(candidates: readonly Candidate[], noPunch: number): string {
  if (candidates.length > 0) return "The provider names no place that may be dialled.";
  return `${WHY[noPunch] ?? WHY[NoPunch.none] ?? ""}.`;
}

/** Without a remedy: the session works, and its errors' remedies are for flows that fail. */
function reasonOf(error: unknown): string {
  if (error instanceof BlockcloudError) return withoutRemedy(error);
  return error instanceof Error ? error.message : String(error);
}
