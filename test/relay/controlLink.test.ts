import { expect } from "chai";
import { ControlLink, type ControlTimes } from "../../src/sal/relay/controlLink.ts";
import { RelayFrame } from "../../src/sal/relay/frames.ts";
import { FakeClock } from "../sal/rig/fakeClock.ts";
import { MemoryLink } from "../sal/rig/memoryLink.ts";

const PROVIDER = { pingMs: 3_000, silentMs: 10_000 };
const RELAY = { pingMs: 0, silentMs: 15_000 };

describe("the connection between a provider and its relay", () => {
  let clock: FakeClock;
  let ends: string[];
  let links: readonly MemoryLink[];

  function start(): { provider: ControlLink; relay: ControlLink } {
    clock = new FakeClock();
    ends = [];
    const [near, far] = MemoryLink.pair(clock, { latencyMs: 5, chunk: () => 65_536 });
    links = [near, far];
    const control = (name: string, link: MemoryLink, times: ControlTimes) =>
      new ControlLink(link, { frame: () => {}, ended: () => ends.push(name) }, clock, times);
    return { provider: control("provider", near, PROVIDER), relay: control("relay", far, RELAY) };
  }

  it("lives while neither side has anything to say", async () => {
    start();
    await clock.advance(120_000);
    expect(ends).to.deep.equal([]);
  });

  it("lives while the relay asks for connections all the time: the provider answers elsewhere", async () => {
    const { relay } = start();
    for (let seconds = 0; seconds < 120; seconds += 2) {
      relay.send(RelayFrame.open, Buffer.alloc(16, 1));
      await clock.advance(2_000);
    }
    expect(ends).to.deep.equal([]);
  });

  it("is over at each side some seconds after the other one has fallen silent", async () => {
    start();
    for (const link of links) link.isStalled = true;
    await clock.advance(9_999);
    expect(ends).to.deep.equal([]);
    await clock.advance(2);
    expect(ends).to.deep.equal(["provider"]);
    await clock.advance(5_000);
    expect(ends).to.deep.equal(["provider", "relay"]);
  });
});
