import { expect } from "chai";
import type { RelayWorkerLimits } from "../../src/relay/limits.ts";
import { pattern } from "../sal/rig/random.ts";
import { collect, ECHO } from "../sal/rig/salRig.ts";
import { until } from "../support/until.ts";
import { QUOTA, VisitorRig } from "./visitorRig.ts";

describe("the bounds of a relay", () => {
  let rig: VisitorRig;

  async function start(limits?: RelayWorkerLimits): Promise<void> {
    rig = await VisitorRig.start(limits);
  }
  afterEach(() => rig.stop());

  it("keep away more visitors of one address, and tell them so", async () => {
    await start({ maxVisitorsPerPeer: 1 });
    const provider = await rig.behind();
    const flow = await rig.client(provider.endpoints).connect("weather", ECHO);
    flow.on("error", () => {});
    expect(await rig.refusal(rig.dial())).to.equal(QUOTA);
  });

  it("slow flows down at the rate of bytes; no flow is cut, and no visitor is added", async () => {
    await start({ bytesPerSecondPerPeer: 100_000 });
    const provider = await rig.behind();
    const flow = await rig.client(provider.endpoints).connect("weather", ECHO);
    const sent = pattern(5, 200_000);
    const got = collect(flow);
    const timers = rig.clock.waiting;
    flow.end(sent);
    await until("a side has to wait", () => rig.clock.waiting > timers, 1);
    expect(flow.bytesRead).to.be.below(sent.length);
    expect(await rig.refusal(rig.dial())).to.equal(QUOTA);
    let isOver = false;
    void got.finally(() => {
      isOver = true;
    });
    await until("all of it is there", async () => {
      await rig.clock.advance(1_000);
      return isOver;
    });
    expect((await got).equals(sent)).to.equal(true);
  });

  it("do not let it use up the limits of a direct client whose address it tells", async () => {
    await start();
    const provider = await rig.behind({ limits: { maxSessionsPerPeer: 1 } });
    const direct = await provider.listen();
    // Both come from 127.0.0.1, and each has its own session.
    await rig.greets(provider.endpoints);
    await rig.greets([direct]);
    expect(provider.provider.sessions).to.equal(2);
  });

  it("are the provider's for the relay as a whole, whatever addresses it tells", async () => {
    await start();
    const provider = await rig.behind({ terms: { limits: { maxVisitors: 3 } } });
    await rig.greets(provider.endpoints);
    await rig.clock.advance(20);
    await until("it holds what it may", () => rig.relay.spares + rig.relay.visitors === 3, 1);
    await rig.greets(provider.endpoints);
    await rig.greets(provider.endpoints);
    expect(await rig.refusal(rig.dial())).to.equal(QUOTA);
    expect(provider.lines[0]?.visitors).to.equal(3);
  });
});
