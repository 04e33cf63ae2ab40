import type { BlockcloudError } from "../../../src/protocol/errors.ts";
import { CreditPool } from "../../../src/sal/session/credit.ts";
import type { Flow } from "../../../src/sal/session/flow.ts";
import type { SessionRole } from "../../../src/sal/session/role.ts";
import { Session } from "../../../src/sal/session/session.ts";
import { FrameParser } from "../../../src/sal/wire/parser.ts";
import { FakeClock } from "./fakeClock.ts";
import { MemoryLink, type Wire } from "./memoryLink.ts";

/** One side of a session without handshake or recovery. */
export class BareSide implements SessionRole {
  readonly session: Session;
  end: BlockcloudError | undefined;
  lostCount = 0;
  /** Numbers of flows that were opened; they may be over. */
  readonly opened = new Set<number>();

  constructor(clock: FakeClock, credit: CreditPool) {
    this.session = new Session(this, { clock, credit });
  }

  frame(): boolean {
    return false;
  }
  hasOpened(flow: number): boolean {
    return this.opened.has(flow);
  }
  heard(): void {}
  sending(): void {}
  lost(): void {
    this.lostCount += 1;
  }
  ended(error: BlockcloudError): void {
    this.end = error;
  }
  flowOver(): void {}
}

const unread = { frame: () => {}, broken: () => {} };

/** Two sides of a session on one connection. */
export class SessionPair {
  readonly clock = new FakeClock();
  readonly credit: CreditPool;
  readonly near: BareSide;
  readonly far: BareSide;
  links: [MemoryLink, MemoryLink];
  readonly #wire: Wire;

  constructor(wire: Wire = { latencyMs: 5, chunk: () => 65_536 }, pool = 64 * 1024 * 1024) {
    this.#wire = wire;
    this.credit = new CreditPool(pool);
    this.near = new BareSide(this.clock, this.credit);
    this.far = new BareSide(this.clock, this.credit);
    this.links = this.connect();
  }

  /** Goes on over another connection. */
  connect(): [MemoryLink, MemoryLink] {
    this.links = MemoryLink.pair(this.clock, this.#wire);
    const [near, far] = [this.near.session, this.far.session];
    const offsets = [near.received, far.received] as const;
    near.attach(this.links[0], new FrameParser(unread), offsets[0], offsets[1]);
    far.attach(this.links[1], new FrameParser(unread), offsets[1], offsets[0]);
    return this.links;
  }

  /** Both ends of a flow; its errors are no failure of the test by themselves. */
  flow(id: number): [Flow, Flow] {
    for (const side of [this.near, this.far]) side.opened.add(id);
    const [near, far] = [this.near.session.add(id, 80), this.far.session.add(id, 80)];
    for (const flow of [near, far]) flow.on("error", () => {});
    return [near, far];
  }
}
