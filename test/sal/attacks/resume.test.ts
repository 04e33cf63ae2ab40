import { expect } from "chai";
import { randomBytes } from "node:crypto";
import { FrameType } from "../../../src/sal/wire/frames.ts";
import { decodeResumed } from "../../../src/sal/handshake/messages.ts";
import { RawClient } from "../rig/rawClient.ts";
import { ECHO, SalRig } from "../rig/salRig.ts";

/** Answers alike to an unknown session and to a wrong proof. */
const LOST = "SAL_SESSION_LOST";

describe("resuming a session that is somebody else's", () => {
  let rig: SalRig;
  let victim: RawClient;
  let thief: RawClient;

  beforeEach(async () => {
    rig = new SalRig();
    victim = await RawClient.begun(rig);
    thief = await RawClient.greeted(rig);
  });
  afterEach(async () => {
    // The session goes on where it was.
    victim.open(1, ECHO);
    await victim.next(FrameType.opened);
    expect(victim.isClosed).to.equal(false);
    rig.stop();
  });

  async function refused(): Promise<void> {
    expect(await thief.ended()).to.equal(LOST);
    expect(thief.frames.filter(({ type }) => type === FrameType.resumed)).to.deep.equal([]);
  }

  it("is refused with random proofs", async () => {
    thief.resume(victim, { mac: randomBytes(32) });
    await refused();
  });

  it("is refused with the proof of another session", async () => {
    const other = await RawClient.begun(rig);
    thief.resume(other, { session: victim.session });
    await refused();
  });

  it("is refused with the key of the other role", async () => {
    const claim = { session: victim.session, attempt: 1, clientReceived: 0 };
    const own = { ...claim, providerReceived: undefined, channel: thief.channel };
    thief.resume(victim, { mac: victim.keys.mac("provider", own) });
    await refused();
  });

  it("is refused with a RESUME that was made for another connection, as a relay would pass it on", async () => {
    thief.resume(victim, { channel: victim.channel });
    await refused();
  });

  it("is refused with other numbers than the proof covers", async () => {
    const claim = { session: victim.session, attempt: 1, clientReceived: 0 };
    const mac = victim.keys.mac("client", {
      ...claim,
      providerReceived: undefined,
      channel: thief.channel,
    });
    thief.resume(victim, { attempt: 2, mac });
    await refused();
  });

  it("is refused for a session that nobody has, with the same words", async () => {
    thief.resume(victim, { session: randomBytes(16) });
    await refused();
    const other = await RawClient.greeted(rig);
    other.resume(victim, { mac: randomBytes(32) });
    await other.ended();
    expect(other.refusedWith?.message).to.equal(thief.refusedWith?.message);
  });
});

describe("resuming one's own session", () => {
  let rig: SalRig;
  let first: RawClient;

  beforeEach(async () => {
    rig = new SalRig();
    first = await RawClient.begun(rig);
  });
  afterEach(() => {
    rig.stop();
  });

  async function resumed(attempt: number): Promise<RawClient> {
    const next = await RawClient.greeted(rig);
    next.resume(first, { attempt });
    await next.next(FrameType.resumed);
    return next;
  }

  it("is proved by the provider, and ends the old connection with MOVED", async () => {
    const next = await resumed(1);
    const { payload } = await next.next(FrameType.resumed);
    const { attempt, received, mac } = decodeResumed(payload);
    const { channel } = next;
    const claim = { session: first.session, attempt, clientReceived: 0, channel };
    expect(first.keys.isMac("provider", { ...claim, providerReceived: received }, mac)).to.equal(
      true,
    );
    await first.ended();
    expect(first.frames.at(-1)?.type).to.equal(FrameType.moved);
  });

  for (const attempt of [5, 4, 0]) {
    it(`is refused with attempt ${attempt} after attempt 5`, async () => {
      const current = await resumed(5);
      const late = await RawClient.greeted(rig);
      late.resume(first, { attempt });
      expect(await late.ended()).to.equal(LOST);
      current.open(1, ECHO);
      await current.next(FrameType.opened);
    });
  }

  it("is refused above what was sent, and the session goes on", async () => {
    const late = await RawClient.greeted(rig);
    late.resume(first, { attempt: 1, received: 1 });
    expect(await late.ended()).to.equal(LOST);
    first.open(1, ECHO);
    await first.next(FrameType.opened);
  });

  it("ignores what still arrives on the old connection", async () => {
    const next = await resumed(1);
    first.open(1, ECHO);
    next.open(1, 99);
    await rig.clock.until(() => next.resetOf(1) !== undefined);
    await first.ended();
    expect(first.frames.some(({ type }) => type === FrameType.opened)).to.equal(false);
  });

  it("ends when the client opens again what was already open", async () => {
    first.open(1, ECHO);
    await first.next(FrameType.opened);
    const next = await resumed(1);
    // RESUMED asked for the byte after OPEN; another OPEN of that flow is no repetition.
    next.open(1, ECHO);
    expect(await next.ended()).to.equal("SAL_PROTOCOL");
  });
});
