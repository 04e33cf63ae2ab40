import type { Hex } from "viem";
import type { Scheduler } from "../../node/scheduler.ts";
import { decodeResume, type Resume } from "../handshake/messages.ts";
import type { OldLink } from "../session/oldLink.ts";
import type { Line, Session } from "../session/session.ts";
import { retire, type Link } from "../transport/link.ts";
import { encodeFrame } from "../wire/encode.ts";
import { FrameType } from "../wire/frames.ts";
import { decodePunch } from "./candidates.ts";
import type { ProviderDirect } from "./providerDirect.ts";
import { StandbyLink } from "./standbyLink.ts";

export interface ProviderUpgradeParts {
  /** Of the session. */
  id: Buffer;
  session: Session;
  /** How clients can leave relays; undefined: they stay on them. */
  direct: ProviderDirect | undefined;
  /** Resumes the session over a link whose channel is known; returns whether the client may. */
  resume(line: Line, channel: Hex, resume: Resume): boolean;
  clock: Scheduler;
}

/** The provider's part in the paths of one session: it offers direct ones, and keeps the relay's beside them. */
export class ProviderUpgrade {
  readonly #parts: ProviderUpgradeParts;
  #attempt = 0;
  /** The relayed link that the client can come back over. */
  #standby: StandbyLink | undefined;

  constructor(parts: ProviderUpgradeParts) {
    this.#parts = parts;
  }

  /** Whether the client can come back over a relay's link that was left. */
  get hasStandby(): boolean {
    return this.#standby !== undefined;
  }

  /**
   * The session goes on over a link.
   *
   * @param attempt That led there; 0 for the session's first link.
   */
  attached(attempt: number, link: Link): void {
    const { direct, session } = this.#parts;
    this.#attempt = attempt;
    if (link.relayed === undefined) return;
    this.#standby?.close();
    if (direct === undefined) return;
    session.send(encodeFrame(FrameType.candidates, 0, direct.offer(attempt, link)));
  }

  /**
   * The session has left a link for another one: it sends MOVED there, and then no more. A relay's link is used for a
   * moment more.
   *
   * @param channel Of the old link.
   */
  left(old: OldLink, channel: Hex, next: Link): void {
    // A relay's link stays open beside a direct one.
    if (old.link.relayed !== undefined && next.relayed === undefined) {
      this.#park(old, channel);
    } else {
      old.parser.stop();
      old.link.write(encodeFrame(FrameType.moved));
      retire(old.link, this.#parts.clock);
    }
  }

  /**
   * The payload of PUNCH.
   *
   * @throws BlockcloudError `SAL_PROTOCOL`.
   */
  punch(payload: Buffer): void {
    const attempt = decodePunch(payload);
    const { link, leastRtt } = this.#parts.session;
    // The client may have moved since.
    if (link === undefined || attempt !== this.#attempt) return;
    this.#parts.direct?.punch(link, leastRtt);
  }

  /** Gives the kept link up if nothing has come over it for a time. */
  forsake(silentMs: number): void {
    this.#standby?.forsake(silentMs);
  }

  stop(): void {
    this.#standby?.close();
  }

  #park(old: OldLink, channel: Hex): void {
    const { id, clock, resume } = this.#parts;
    this.#standby?.close();
    const standby = new StandbyLink(old, clock, {
      resume: (payload) => {
        const request = decodeResume(payload);
        return request.session.equals(id) && resume(old, channel, request);
      },
      gone: () => {
        if (this.#standby === standby) this.#standby = undefined;
      },
    });
    this.#standby = standby;
    // Sending on may end the session: a program decides when its bytes are taken.
    if (this.#parts.session.end !== undefined) standby.close();
  }
}
