import type { BlockcloudError } from "../../protocol/errors.ts";
import type { ProvenLink } from "../handshake/clientHandshake.ts";
import type { ResumeKeys } from "../handshake/secrets.ts";
import type { Session } from "../session/session.ts";
import { ClientUpgrade } from "../upgrade/clientUpgrade.ts";
import type { ClientSessionDependencies, MoveReason, PathKind } from "./dependencies.ts";
import type { Located } from "./locator.ts";
import { PathWatch } from "./pathWatch.ts";
import { Recovery } from "./recovery.ts";
import { Renewal } from "./renewal.ts";
import { Resumption, type Move, type Place } from "./resumption.ts";

export interface MovingParts {
  id: Buffer;
  keys: ResumeKeys;
  /** Of the service: it has the session. */
  instance: Buffer;
  session: Session;
  located(): Located;
  relocated(located: Located): void;
  /** Another instance has answered, and the session's own has not been found. */
  strayed(): void;
  moved(move: Move): void;
  dependencies: ClientSessionDependencies;
}

/** The path of a session: what watches it, and what finds another one. */
export class Moving {
  readonly #parts: MovingParts;
  readonly #watch: PathWatch;
  readonly #renewal: Renewal;
  readonly #resumption: Resumption;
  readonly #recovery: Recovery;
  readonly #upgrade: ClientUpgrade | undefined;
  readonly #over = new AbortController();
  #endpoint: string;
  #kind: PathKind;
  #whyRelayed: string | undefined;
  /** Why another link is needed if the resumption that is under way fails. */
  #waiting: MoveReason | undefined;

  constructor(first: Place, parts: MovingParts) {
    const { session, dependencies } = parts;
    const { clock, times, maxRecords, direct } = dependencies;
    this.#parts = parts;
    this.#endpoint = first.endpoint;
    this.#kind = kindOf(first.link);
    this.#watch = new PathWatch(
      session,
      clock,
      () => {
        this.move("silence");
      },
      times,
    );
    this.#renewal = new Renewal(maxRecords);
    const moved = (move: Move) => {
      this.#moved(move);
    };
    this.#resumption = new Resumption(first, { ...parts, moved, clock });
    this.#recovery = new Recovery({
      ...parts,
      endpoint: () => this.#endpoint,
      resumption: this.#resumption,
    });
    if (direct === undefined) this.#whyRelayed = "This client stays on relays.";
    this.#upgrade =
      direct &&
      new ClientUpgrade({
        ...parts,
        direct,
        resumption: this.#resumption,
        isSearching: () => this.#recovery.isRunning,
        searched: () => this.#recovery.settled(),
        refresh: () => {
          this.move("upgrade");
        },
        adopt: (link, kind) => this.#adopt(link, kind),
        stays: (why) => {
          this.#whyRelayed = why;
          dependencies.observer?.staysRelayed?.({ serviceId: parts.located().serviceId, why });
        },
      });
  }

  /** The endpoint of the record by which the service was found. */
  get endpoint(): string {
    return this.#endpoint;
  }

  get kind(): PathKind {
    return this.#kind;
  }

  /** Why the session is not on a direct path; undefined if it is, or nothing was tried yet. */
  get whyRelayed(): string | undefined {
    return this.#kind === "relay" ? this.#whyRelayed : undefined;
  }

  /** Whether the session's instance cannot be found, while others live. */
  get isAstray(): boolean {
    return this.#recovery.isAstray;
  }

  /** The session has begun. */
  start(): void {
    this.#watch.start();
  }

  /** Bytes came. */
  heard(): void {
    const { session, located, dependencies } = this.#parts;
    if (session.link !== undefined && this.#renewal.isDue(session.link)) this.move("renewal");
    if (!this.#watch.heard()) return;
    if (this.#recovery.calm()) dependencies.observer?.falseAlarm?.(located().serviceId);
  }

  sending(): void {
    this.#watch.sending();
  }

  /** The provider takes and sends nothing more over the link in use. */
  handedOver(): void {
    if (!this.#resumption.handedOver()) this.move("lost");
  }

  /** The provider says where it can be reached directly. */
  candidates(payload: Buffer): void {
    this.#upgrade?.take(payload);
  }

  /** Looks for another link. */
  move(reason: MoveReason): void {
    if (this.#parts.session.end !== undefined) return;
    // What the resumption over a direct link leads to decides.
    if (this.#resumption.isRunning && !this.#recovery.isRunning) this.#waiting = reason;
    else this.#recovery.start(reason);
  }

  stop(error: BlockcloudError): void {
    this.#watch.stop();
    this.#over.abort(error);
    this.#recovery.stop(error);
    this.#upgrade?.stop();
    this.#resumption.stop();
  }

  async #adopt(link: ProvenLink, kind: PathKind): Promise<void> {
    const place = { endpoint: this.#endpoint, link, kind };
    this.#waiting = undefined;
    try {
      await this.#resumption.onto(place, "direct", this.#over.signal);
    } finally {
      // The provider may have gone over to a link that has failed since.
      const isLost = this.#parts.session.link === undefined;
      const reason = isLost ? "lost" : this.#waiting;
      this.#waiting = undefined;
      const wasOld = reason === "lost" || reason === "silence";
      const isBetter = !isLost && this.#kind !== "relay" && wasOld;
      if (reason !== undefined && !isBetter) this.move(reason);
    }
  }

  #moved(move: Move): void {
    const { reason, endpoint, link, gapMs, kind = kindOf(link) } = move;
    this.#endpoint = endpoint;
    this.#kind = kind;
    this.#watch.start();
    this.#parts.moved(move);
    this.#upgrade?.moved();
    const { located, dependencies } = this.#parts;
    const { serviceId } = located();
    dependencies.observer?.moved?.({ serviceId, reason, endpoint, path: kind, gapMs });
  }
}

function kindOf({ greeting }: ProvenLink): PathKind {
  return greeting.link.relayed === undefined ? "public" : "relay";
}
