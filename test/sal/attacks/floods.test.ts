import { expect } from "chai";
import { randomBytes } from "node:crypto";
import type { Flow } from "../../../src/sal/session/flow.ts";
import { encodeClientHello } from "../../../src/sal/handshake/messages.ts";
import { encodeFrame } from "../../../src/sal/wire/encode.ts";
import { FrameType, MAX_DATA } from "../../../src/sal/wire/frames.ts";
import { RawClient } from "../rig/rawClient.ts";
import { ECHO, echo, SalRig } from "../rig/salRig.ts";

const PENDING = 9;
const SOURCE = 10;
const MIB = 1024 * 1024;

describe("floods at a provider", () => {
  let rig: SalRig;
  /** Ends the wait for an upstream of the pending port. */
  let connected: (() => void)[];

  function start(limits = {}): void {
    connected = [];
    const pending = () => new Promise<void>((resolve) => connected.push(resolve));
    const source = (flow: Flow) => {
      const chunk = Buffer.alloc(MAX_DATA);
      const more = () => {
        while (flow.write(chunk));
      };
      flow.on("drain", more);
      more();
      return Promise.resolve();
    };
    rig = new SalRig({ limits, ports: { [ECHO]: echo, [PENDING]: pending, [SOURCE]: source } });
  }
  afterEach(async () => {
    for (const resolve of connected) resolve();
    rig.stop();
    await rig.clock.advance(20_000);
    expect([rig.provider.flows, rig.provider.sessions, rig.net.open.length]).to.deep.equal([
      0, 0, 0,
    ]);
  });

  it("a client that greets too often is refused until time has passed; others are served", async () => {
    start({ handshakesPerSecond: 1, handshakeBurst: 3 });
    for (let count = 0; count < 3; count++) await RawClient.greeted(rig);
    const fourth = RawClient.connect(rig);
    fourth.send(FrameType.hello, 0, encodeClientHello({ nonce: randomBytes(32), versions: [1] }));
    expect(await fourth.ended()).to.equal("SAL_BUSY");
    await RawClient.greeted(rig, "203.0.113.5");
    await rig.clock.advance(1_000);
    await RawClient.greeted(rig);
  });

  it("rapid reset: a flow counts until its upstream is no longer being connected", async () => {
    start({ maxFlowsPerPeer: 10 });
    const client = await RawClient.begun(rig);
    for (let flow = 1; flow <= 30; flow++) {
      client.open(flow, PENDING);
      client.send(FrameType.reset, flow, Buffer.of(1));
    }
    await rig.clock.until(() => client.resetOf(30) !== undefined);
    expect(connected.length).to.equal(10);
    expect(client.resetOf(30)).to.equal("SAL_BUSY");
    for (const resolve of connected) resolve();
    await rig.clock.advance(1);
    expect(rig.provider.flows).to.equal(0);
    client.open(31, ECHO);
    await client.next(FrameType.opened);
  });

  it("flows of a session that ends are given back", async () => {
    start({ maxFlowsPerPeer: 2 });
    for (let count = 0; count < 3; count++) {
      const client = await RawClient.begun(rig);
      client.open(1, ECHO);
      client.open(2, ECHO);
      await rig.clock.until(
        () => client.frames.filter(({ type }) => type === FrameType.opened).length === 2,
      );
      client.send(FrameType.refused, 0, Buffer.of(1));
      await client.ended();
    }
  });

  it("flows that are opened faster than allowed are refused, to refused ports too", async () => {
    start({ opensPerSecond: 1, openBurst: 5 });
    const client = await RawClient.begun(rig);
    for (let flow = 1; flow <= 8; flow++) client.open(flow, flow % 2 === 0 ? 99 : ECHO);
    await rig.clock.until(() => client.resetOf(8) !== undefined);
    const codes = [1, 2, 3, 4, 5, 6, 7, 8].map((flow) => client.resetOf(flow));
    expect(codes.slice(5)).to.deep.equal(["SAL_BUSY", "SAL_BUSY", "SAL_BUSY"]);
    expect(codes.slice(0, 5)).not.to.include("SAL_BUSY");
  });

  it("a peer that pings and does not read gets a bounded number of answers", async () => {
    start();
    const client = await RawClient.begun(rig);
    const { far } = rig.net.last;
    far.isStalled = true;
    const before = far.written;
    for (let count = 0; count < 40_000; count++) client.send(FrameType.ping);
    await rig.clock.advance(1_000);
    expect(far.written - before).to.be.below(200 * 1024);
  });

  it("a peer that sends and does not read gets a bounded number of acknowledgements", async () => {
    start();
    const client = await RawClient.begun(rig);
    const { far } = rig.net.last;
    client.open(1, ECHO);
    await client.next(FrameType.opened);
    far.isStalled = true;
    const before = far.written;
    for (let count = 0; count < 10_000; count++) {
      client.send(0x81, 0, Buffer.alloc(8));
      if (count % 100 === 0) await rig.clock.advance(6);
    }
    await rig.clock.advance(100);
    expect(far.written - before).to.be.below(200 * 1024);
    // When it reads again, it is told where it stands.
    far.resume();
    await rig.clock.advance(100);
    const { payload } = client.frames.filter(({ type }) => type === FrameType.ack).at(-1) ?? {};
    expect((payload?.readUInt32BE() ?? 0) & 0x3fff_ffff).to.be.at.least(100_000);
  });

  it("a peer that never acknowledges ends with SAL_BUSY when it makes the provider answer", async () => {
    start({ openBurst: 10 ** 9 });
    const client = await RawClient.begun(rig);
    let flow = 0;
    while (!client.isClosed) {
      for (let count = 0; count < 2_000; count++) client.open((flow += 1), 99);
      await rig.clock.advance(50);
    }
    expect(client.refusal).to.equal("SAL_BUSY");
  });

  it("a peer that reads and never acknowledges makes the provider keep a window and no more", async () => {
    start();
    const client = await RawClient.begun(rig);
    client.open(1, SOURCE);
    client.sendNumber(FrameType.window, 1, 2 ** 40);
    await rig.clock.advance(5_000);
    const bytes = client.frames
      .filter(({ type }) => type === FrameType.data)
      .reduce((sum, { size }) => sum + size, 0);
    expect(bytes).to.be.within(MIB / 8, MIB);
    expect(client.isClosed).to.equal(false);
  });

  it("a peer that never sends a credit makes the provider keep the flow's own and no more", async () => {
    start();
    const client = await RawClient.begun(rig);
    client.open(1, SOURCE);
    await rig.clock.advance(5_000);
    const bytes = client.frames
      .filter(({ type }) => type === FrameType.data)
      .reduce((sum, { payload }) => sum + payload.length, 0);
    expect(bytes).to.equal(64 * 1024);
  });

  it("sessions of one peer are limited, and so are those of all", async () => {
    start({ maxSessionsPerPeer: 2, maxSessions: 3 });
    await RawClient.begun(rig);
    await RawClient.begun(rig);
    const third = await RawClient.greeted(rig);
    third.begin();
    expect(await third.ended()).to.equal("SAL_BUSY");
    await RawClient.begun(rig, "203.0.113.5");
    const fourth = await RawClient.greeted(rig, "203.0.114.5");
    fourth.begin();
    expect(await fourth.ended()).to.equal("SAL_BUSY");
  });

  it("a peer that asks for receipts above the rate waits for them", async () => {
    start({ handshakesPerSecond: 1, handshakeBurst: 1 });
    const client = await RawClient.begun(rig);
    for (let count = 0; count < 100; count++) client.send(FrameType.prove, 0, randomBytes(32));
    const last = randomBytes(32);
    client.send(FrameType.prove, 0, last);
    await rig.clock.advance(500);
    const answers = () => client.frames.filter(({ type }) => type === FrameType.proved);
    expect(answers()).to.deep.equal([]);
    await rig.clock.advance(1_000);
    expect(answers().length).to.equal(1);
    expect(answers()[0]?.payload.subarray(0, 32).equals(last)).to.equal(true);
  });

  it("a client that vanishes without a word leaves its link after 90 s, and its session after its time", async () => {
    start({ idleOrphanMs: 600_000 });
    await RawClient.begun(rig);
    const { near, far } = rig.net.last;
    near.isStalled = true;
    far.isStalled = true;
    await rig.clock.advance(89_000);
    expect(far.isClosed).to.equal(false);
    await rig.clock.advance(3_000);
    expect(far.isClosed).to.equal(true);
    expect(rig.provider.sessions).to.equal(1);
    await rig.clock.advance(600_000);
    expect(rig.provider.sessions).to.equal(0);
  });

  it("a megabyte of frames before a session is read as one breach", async () => {
    start();
    const client = RawClient.connect(rig);
    client.link.write(
      Buffer.concat(Array(1_000).fill(encodeFrame(FrameType.data, 1, Buffer.alloc(1_000)))),
    );
    expect(await client.ended()).to.equal("SAL_PROTOCOL");
  });
});
