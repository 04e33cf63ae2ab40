import type { Flow } from "../session/flow.ts";
import type { Session } from "../session/session.ts";
import { encodeFrame } from "../wire/encode.ts";
import { FrameType } from "../wire/frames.ts";

/** The session, as its meter needs it. */
export interface MeterHost {
  /** The client's, by which the allowance counts. */
  readonly address: string;
  readonly isLinked: boolean;
  /** Milliseconds. */
  readonly srtt: number;
  readonly flows: ReadonlyMap<number, Flow>;
  /** Sends a QUOTE. */
  quote(payload: Buffer): void;
}

/** A session as its meter sees it. */
export class MeteredSession implements MeterHost {
  readonly address: string;
  readonly #session: Session;

  /** @param address Of the client. */
  constructor(session: Session, address: string) {
    this.#session = session;
    this.address = address;
  }

  get isLinked(): boolean {
    return this.#session.link !== undefined;
  }

  get srtt(): number {
    return this.#session.srtt;
  }

  get flows(): ReadonlyMap<number, Flow> {
    return this.#session.flows;
  }

  quote(payload: Buffer): void {
    this.#session.send(encodeFrame(FrameType.quote, 0, payload));
  }
}
