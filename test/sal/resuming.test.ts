import { expect } from "chai";
import { FrameParser } from "../../src/sal/wire/parser.ts";
import { MemoryLink } from "./rig/memoryLink.ts";
import { SessionPair } from "./rig/sessionPair.ts";

const unread = { frame: () => {}, broken: () => {} };
const MIB = 1024 * 1024;

describe("a session that asks to go on elsewhere while its connection works", () => {
  let pair: SessionPair;

  beforeEach(async () => {
    pair = new SessionPair();
    const [sender, reader] = pair.flow(1);
    reader.on("data", () => {});
    sender.write(Buffer.alloc(8 * MIB));
    await pair.clock.until(() => reader.bytesRead > 1 * MIB);
  });

  /** Whether the sender's side still has everything from an offset on. */
  function canGoOnFrom(offset: number): boolean {
    const wire = { latencyMs: 5, chunk: () => 65_536 };
    const [link] = MemoryLink.pair(pair.clock, wire);
    const { session } = pair.near;
    return session.attach(link, new FrameParser(unread), session.received, offset);
  }

  it("still gets all from where it asked, however much came on the old one meanwhile", async () => {
    const { session } = pair.far;
    session.resuming();
    const asked = session.received;
    await pair.clock.advance(100);
    expect(session.received).to.be.greaterThan(asked);
    expect(canGoOnFrom(asked)).to.equal(true);
  });

  it("acknowledges again when that came to nothing", async () => {
    const { session } = pair.far;
    session.resuming();
    const asked = session.received;
    await pair.clock.advance(100);
    session.resumeFailed();
    await pair.clock.advance(100);
    expect(canGoOnFrom(asked)).to.equal(false);
  });
});
