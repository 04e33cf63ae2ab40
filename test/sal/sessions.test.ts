import { expect } from "chai";
import { BlockcloudError } from "../../src/protocol/errors.ts";
import { salLimits, type SalLimits } from "../../src/sal/provider/limits.ts";
import type { FlowPeer } from "../../src/sal/provider/service.ts";
import type { Flow } from "../../src/sal/session/flow.ts";
import { expectCode } from "../support/expectCode.ts";
import { failureOf } from "../support/failure.ts";
import { rejection } from "../support/rejection.ts";
import { FrameType } from "../../src/sal/wire/frames.ts";
import { visitorName } from "../../src/sal/relay/visitorName.ts";
import { RawClient } from "./rig/rawClient.ts";
import { collect, ECHO, echo, SalRig } from "./rig/salRig.ts";

const SOURCE = 10;
const HELD = 11;
const FAILING = 12;

describe("sessions of a provider", () => {
  let rig: SalRig;
  /** Handlers' own connections that are open. */
  let held: (() => void)[];

  function start(limits: SalLimits = {}): void {
    held = [];
    const ports = {
      [ECHO]: echo,
      [SOURCE]: (flow: Flow) => {
        flow.write(Buffer.alloc(200_000));
        return Promise.resolve();
      },
      [HELD]: (_: Flow, peer: FlowPeer) => {
        held.push(peer.hold());
        return Promise.resolve();
      },
      [FAILING]: () => {
        throw new Error("a handler's mistake");
      },
    };
    rig = new SalRig({ limits, ports });
  }
  afterEach(() => {
    rig.stop();
  });

  /** A session whose client is gone; with a flow if a port is given. */
  async function orphan(port?: number, address?: string): Promise<RawClient> {
    const client = await RawClient.begun(rig, address);
    if (port !== undefined) {
      client.open(1, port);
      await client.next(FrameType.opened);
    }
    client.link.cut();
    await rig.clock.advance(1);
    return client;
  }

  /** What the provider says when a client comes back for its session. */
  async function resumes(client: RawClient): Promise<number | undefined> {
    const again = await RawClient.greeted(rig);
    again.resume(client);
    await rig.clock.until(() => again.isClosed || again.frames.length > 1);
    return again.frames[1]?.type;
  }

  it("wait for their clients ten minutes with flows, and a day without", async () => {
    start({ orphanMs: 60_000, idleOrphanMs: 600_000 });
    await orphan(ECHO);
    await orphan();
    expect(rig.provider.sessions).to.equal(2);
    await rig.clock.advance(61_000);
    expect([rig.provider.sessions, rig.provider.flows]).to.deep.equal([1, 0]);
    await rig.clock.advance(541_000);
    expect(rig.provider.sessions).to.equal(0);
    await rig.clock.advance(2_000);
    expect(rig.clock.waiting).to.equal(0);
  });

  it("beyond their number, the oldest is dropped", async () => {
    start({ maxOrphans: 2 });
    const clients = [await orphan(), await orphan(), await orphan()];
    expect(rig.provider.sessions).to.equal(2);
    const answers = await Promise.all(clients.map(resumes));
    expect(answers).to.deep.equal([FrameType.refused, FrameType.resumed, FrameType.resumed]);
  });

  for (const [what, limits, port] of [
    ["number", { maxOrphans: 3 }, ECHO],
    ["memory", { maxOrphanBytes: 230_000 }, SOURCE],
  ] as const) {
    it(`beyond their ${what}, a relay that tells any address pushes out its own only`, async () => {
      start(limits);
      const direct = await orphan(port, "203.0.113.9");
      const other = await orphan(port, visitorName(2, "203.0.113.9"));
      const visitors: RawClient[] = [];
      for (let number = 1; number <= 6; number += 1) {
        visitors.push(await orphan(port, visitorName(1, `198.${number}.100.7`)));
      }
      expect(rig.provider.sessions).to.be.below(8);
      expect(await resumes(direct)).to.equal(FrameType.resumed);
      expect(await resumes(other)).to.equal(FrameType.resumed);
      const [first] = visitors;
      expect(first && (await resumes(first))).to.equal(FrameType.refused);
      const last = visitors.at(-1);
      expect(last && (await resumes(last))).to.equal(FrameType.resumed);
    });
  }

  it("a client that comes takes the place of one of a relay that has many", async () => {
    start({ maxSessions: 4 });
    const direct = await orphan();
    const first = await orphan(ECHO, visitorName(1, "198.51.100.7"));
    await orphan(ECHO, visitorName(1, "203.0.113.7"));
    await orphan(ECHO, visitorName(1, "192.0.2.7"));
    await RawClient.begun(rig);
    expect(rig.provider.sessions).to.equal(4);
    expect(await resumes(direct)).to.equal(FrameType.resumed);
    expect(await resumes(first)).to.equal(FrameType.refused);
  });

  it("beyond their memory, the oldest is dropped", async () => {
    start({ maxOrphanBytes: 150_000 });
    await orphan(SOURCE);
    await orphan(SOURCE);
    expect(rig.provider.sessions).to.equal(2);
    await orphan(SOURCE);
    expect(rig.provider.sessions).to.equal(2);
  });

  it("without a limit on their number, all are kept", async () => {
    start({ maxOrphans: 0 });
    await orphan();
    await orphan();
    expect(rig.provider.sessions).to.equal(2);
  });

  it("a client that comes takes the place of one that may not come back", async () => {
    start({ maxSessions: 2 });
    await orphan();
    await RawClient.begun(rig);
    await RawClient.begun(rig);
    expect(rig.provider.sessions).to.equal(2);
    const fourth = await RawClient.greeted(rig);
    fourth.begin();
    expect(await fourth.ended()).to.equal("SAL_BUSY");
  });

  it("a flow counts until its handler's own connection is closed", async () => {
    start({ maxFlowsPerPeer: 1 });
    const flow = await rig.open(HELD);
    flow.destroy();
    await rig.clock.advance(100);
    expect(rig.provider.flows).to.equal(1);
    await rejection("SAL_BUSY", rig.clock.play(rig.client.connect("weather", ECHO)));
    const [release] = held;
    release?.();
    release?.();
    expect(rig.provider.flows).to.equal(0);
    await rig.open(ECHO);
    expect(rig.provider.flows).to.equal(1);
  });

  it("a handler that throws resets its flow and no other", async () => {
    start();
    const flow = await rig.open(ECHO);
    await rejection("FLOW_CANCELLED", rig.clock.play(rig.client.connect("weather", FAILING)));
    expect(rig.provider.flows).to.equal(1);
    const got = collect(flow);
    flow.end("served");
    expect((await rig.clock.play(got)).toString()).to.equal("served");
  });

  it("limits that are no numbers are refused", () => {
    for (const maxFlows of [-1, NaN, Infinity]) {
      expectCode("SAL_OPTIONS", () => salLimits({ maxFlows }));
    }
  });
});

describe("sessions of a client", () => {
  let rig: SalRig;

  beforeEach(() => {
    rig = new SalRig();
  });
  afterEach(async () => {
    rig.stop();
    await rig.clock.advance(20_000);
    expect([rig.net.open.length, rig.clock.waiting, rig.locator.watching]).to.deep.equal([0, 0, 0]);
  });

  it("one is shared by all flows to a service, also by those that begin at once", async () => {
    const flows = await rig.clock.play(
      Promise.all([1, 2, 3].map(() => rig.client.connect("weather", ECHO))),
    );
    for (const flow of flows) flow.on("error", () => {});
    expect([rig.net.dialled.length, rig.provider.sessions]).to.deep.equal([1, 1]);
  });

  it("one that stays without flows is ended, after a refused port, too", async () => {
    await rejection("PORT_REFUSED", rig.clock.play(rig.client.connect("weather", 99)));
    expect(rig.client.sessions.length).to.equal(1);
    await rig.clock.advance(301_000);
    expect([rig.client.sessions.length, rig.provider.sessions]).to.deep.equal([0, 0]);
  });

  it("an aborted connect gives up its flow, and the next one is served", async () => {
    await rig.open();
    const stop = new AbortController();
    const pending = rig.client.connect("weather", ECHO, stop.signal);
    pending.catch(() => {});
    await rig.clock.advance(1);
    stop.abort(new Error("the program's own"));
    expect((await failureOf(rig.clock.play(pending))).message).to.equal("the program's own");
    await rig.clock.advance(100);
    expect(rig.provider.flows).to.equal(1);
  });

  it("a signal that comes when the flow is open leaves it alone", async () => {
    const stop = new AbortController();
    const flow = await rig.clock.play(rig.client.connect("weather", ECHO, stop.signal));
    stop.abort(new Error("too late"));
    const got = collect(flow);
    flow.end("served");
    expect((await rig.clock.play(got)).toString()).to.equal("served");
  });

  it("a service that takes no new flows keeps the old ones; the next flow gets a new session", async () => {
    const flow = await rig.open();
    rig.provider.leave();
    await rig.clock.advance(50);
    const old = rig.provider;
    rig.provider = rig.createProvider();
    const other = await rig.open();
    expect(rig.client.sessions.length).to.equal(2);
    const got = collect(flow);
    flow.end("still here");
    expect((await rig.clock.play(got)).toString()).to.equal("still here");
    await rig.clock.advance(100);
    expect(rig.client.sessions.length).to.equal(1);
    expect(old.sessions).to.equal(0);
    expect(other.destroyed).to.equal(false);
  });

  it("a closed client closes those that are leaving, too", async () => {
    const flow = await rig.open();
    rig.provider.leave();
    await rig.clock.advance(50);
    const over = failureOf(collect(flow));
    rig.client.close();
    expect(await rig.clock.play(over)).to.have.property("code", "SAL_CLOSED");
    await rejection("SAL_CLOSED", rig.client.connect("weather", ECHO));
  });

  it("while the path is down, flows wait for it, up to a number", async () => {
    await rig.open();
    rig.net.silent.add("198.51.100.1:443");
    rig.cut();
    await rig.clock.advance(10);
    const waiting = Array.from({ length: 16_384 }, () => rig.client.connect("weather", ECHO));
    for (const each of waiting) each.catch(() => {});
    await rejection("SAL_BUSY", rig.client.connect("weather", ECHO));
    rig.client.close();
    expect(await failureOf(waiting[0]!)).to.have.property("code", "SAL_CLOSED");
  });

  it("a flow that is reset in the packet that opened it is an error, not a flow", async () => {
    const slow = new SalRig({
      ports: {
        [ECHO]: (flow) => {
          process.nextTick(() => flow.destroy());
          return Promise.resolve();
        },
      },
    });
    await rejection("FLOW_CANCELLED", slow.clock.play(slow.client.connect("weather", ECHO)));
    slow.stop();
  });

  it("a record that is not valid moves nothing, and is logged; so is one that is old", async () => {
    const flow = await rig.open();
    const old = rig.locator.record;
    rig.provider.migrate(Buffer.from("not a record"));
    await rig.clock.advance(100);
    expect(rig.log.said("warn").length).to.equal(1);
    rig.provider.migrate(old);
    await rig.clock.advance(1_000);
    expect([rig.moves.length, rig.locator.checked.length]).to.deep.equal([0, 2]);
    expect(flow.destroyed).to.equal(false);
  });

  it("a stall of 300 ms of the whole path moves nothing, and is a false alarm", async () => {
    const flow = await rig.open();
    flow.write("busy");
    await rig.clock.advance(20);
    const place = "198.51.100.1:443";
    rig.net.silent.add(place);
    const { near, far } = rig.net.last;
    near.isStalled = true;
    far.isStalled = true;
    rig.clock.after(300, () => {
      near.resume();
      far.resume();
      rig.net.silent.delete(place);
    });
    await rig.clock.advance(2_000);
    expect([rig.moves.length, rig.falseAlarms]).to.deep.equal([0, 1]);
    expect(rig.net.dialled.filter((each) => !each.near.isClosed).length).to.equal(1);
  });

  it("a place that does not know the session ends it only if the known link is dead", async () => {
    const flow = await rig.open();
    const first = rig.provider;
    const { near } = rig.net.last;
    // A second instance behind the same record.
    rig.provider = rig.createProvider();
    const [session] = rig.client.sessions;
    session?.reconsider("interfaces");
    await rig.clock.advance(5_000);
    expect([flow.destroyed, near.isClosed]).to.deep.equal([false, false]);
    expect(first.sessions).to.equal(1);
    const over = failureOf(collect(flow));
    rig.cut();
    expect(await rig.clock.play(over)).to.have.property("code", "SAL_SESSION_LOST");
    first.stop();
  });

  it("a service that was retired while its path was lost ends its flows with that", async () => {
    const flow = await rig.open();
    const over = failureOf(collect(flow));
    rig.locator.error = new BlockcloudError("SERVICE_INACTIVE", "Retired.");
    rig.net.silent.add("198.51.100.1:443");
    rig.cut();
    expect(await rig.clock.play(over)).to.have.property("code", "SERVICE_REVOKED");
  });

  it("a session without any path is kept ten minutes with flows", async () => {
    const flow = await rig.open();
    const over = failureOf(collect(flow));
    rig.net.silent.add("198.51.100.1:443");
    rig.cut();
    await rig.clock.advance(590_000);
    expect(flow.destroyed).to.equal(false);
    expect(await rig.clock.play(over)).to.have.property("code", "SAL_SESSION_LOST");
    expect(rig.clock.monotonic()).to.be.within(600_000, 640_000);
  });
});
