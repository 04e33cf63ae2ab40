import { expect } from "chai";
import type { Flow } from "../../src/sal/session/flow.ts";
import { failureOf } from "../support/failure.ts";
import { rejection } from "../support/rejection.ts";
import { RawClient } from "./rig/rawClient.ts";
import { collect, ECHO, echo, SalRig } from "./rig/salRig.ts";

/** Ports of a service that ends its own direction at once, and of one that says more than the client reads. */
const FIRST = 8;
const DRAIN_MS = 8_000;

describe("a provider that is about to stop", () => {
  let rig: SalRig;
  /** What the client of {@link FIRST} said, once it has ended. */
  let said: Promise<Buffer> | undefined;

  beforeEach(() => {
    const ports = {
      [ECHO]: echo,
      [FIRST]: (flow: Flow) => {
        flow.end("goodbye");
        said = collect(flow);
        return Promise.resolve();
      },
    };
    rig = new SalRig({ ports });
  });
  afterEach(async () => {
    rig.stop();
    await rig.clock.advance(20_000);
    expect([rig.net.open.length, rig.clock.waiting]).to.deep.equal([0, 0]);
  });

  it("lets a flow end with all of its bytes, and stops then", async () => {
    const flow = await rig.open();
    const drained = rig.provider.drain(DRAIN_MS);
    await rig.clock.advance(1_000);
    expect(rig.provider.sessions).to.equal(1);
    const got = collect(flow);
    flow.end(Buffer.alloc(300_000, 7));
    expect((await rig.clock.play(got)).equals(Buffer.alloc(300_000, 7))).to.equal(true);
    await rig.clock.play(drained);
    expect(rig.clock.monotonic()).to.be.below(DRAIN_MS);
    expect([rig.provider.sessions, rig.client.sessions.length]).to.deep.equal([0, 0]);
  });

  it("stops at once without flows", async () => {
    await rig.provider.drain(DRAIN_MS);
    expect(rig.clock.monotonic()).to.equal(0);
  });

  it("ends a flow that takes too long at both sides, and says why", async () => {
    const flow = await rig.open();
    const over = failureOf(collect(flow));
    const drained = rig.provider.drain(DRAIN_MS);
    expect(await rig.clock.play(over)).to.have.property("code", "SAL_LEAVING");
    await drained;
    expect(rig.clock.monotonic()).to.be.at.least(DRAIN_MS);
    expect(rig.provider.flows).to.equal(0);
  });

  it("a client that loses its connection meanwhile resumes, and its flow goes on", async () => {
    const flow = await rig.open();
    const drained = rig.provider.drain(DRAIN_MS);
    await rig.clock.advance(20);
    rig.cut();
    const got = collect(flow);
    flow.end("still here");
    expect((await rig.clock.play(got)).toString()).to.equal("still here");
    expect(rig.moves).to.have.length(1);
    await rig.clock.play(drained);
  });

  it("a new client is told so, before it says anything of itself", async () => {
    rig.provider.leave();
    const raw = await RawClient.greeted(rig);
    expect(raw.hello?.isLeaving).to.equal(true);
    raw.begin();
    expect(await raw.ended()).to.equal("SAL_LEAVING");
    await rejection("SAL_LEAVING", rig.clock.play(rig.client.connect("weather", ECHO)));
    expect(rig.provider.sessions).to.equal(0);
  });

  it("a new flow goes to another endpoint of the record", async () => {
    const flow = await rig.open();
    rig.provider.leave();
    await rig.clock.advance(20);
    const old = rig.provider;
    const [first = ""] = rig.locator.located.endpoints;
    const other = rig.createProvider();
    const unlisten = rig.net.listen("198.51.100.200:443", (link) => {
      void other.accept(link, new AbortController().signal);
    });
    rig.locator.publish({ endpoints: [first, "sal://198.51.100.200:443"] });
    await rig.open();
    expect([old.flows, other.flows]).to.deep.equal([1, 1]);
    flow.destroy();
    await rig.clock.advance(100);
    other.stop();
    unlisten();
  });

  it("a flow that crosses the notice goes where the service runs from now on", async () => {
    const flow = await rig.open();
    const old = rig.provider;
    old.leave();
    const crossing = rig.client.connect("weather", ECHO);
    rig.provider = rig.createProvider();
    const next = await rig.clock.play(crossing);
    next.on("error", () => {});
    expect([old.flows, rig.provider.flows]).to.deep.equal([1, 1]);
    flow.destroy();
    await rig.clock.advance(100);
  });

  it("a place that is known and is being left makes the client look for a newer record", async () => {
    rig.provider.leave();
    const old = rig.locator.located;
    const locate = rig.locator.locate.bind(rig.locator);
    // A cache answers the first question.
    rig.locator.locate = () => {
      rig.locator.locate = locate;
      return Promise.resolve(old);
    };
    rig.provider = rig.createProvider();
    const accept = rig.accept;
    const leaving = rig.createProvider();
    leaving.leave();
    rig.net.listen("198.51.100.201:443", (link) => {
      leaving.accept(link, new AbortController().signal).catch(() => undefined);
    });
    old.endpoints = ["sal://198.51.100.201:443"];
    rig.move(accept);
    await rig.open();
    expect(rig.provider.flows).to.equal(1);
  });

  it("the client's last bytes arrive, though the service has ended its direction before", async () => {
    const flow = await rig.open(FIRST);
    await rig.clock.play(collect(flow));
    const drained = rig.provider.drain(DRAIN_MS);
    await rig.clock.advance(20);
    flow.end(Buffer.alloc(200_000, 5));
    const got = said;
    if (got === undefined) throw new Error("The service was not called.");
    expect((await rig.clock.play(got)).length).to.equal(200_000);
    await rig.clock.play(drained);
  });
});
