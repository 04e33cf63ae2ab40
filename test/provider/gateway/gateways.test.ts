import { expect } from "chai";
import type { Gateway } from "../../../src/provider/gateway/gateway.ts";
import { Gateways, type ListenAddress } from "../../../src/provider/gateway/gateways.ts";
import { FakeTimers } from "../../support/fakeTime.ts";
import { failureOf } from "../../support/httpClient.ts";
import { MemoryLog } from "../../support/memoryLog.ts";

describe("Gateways", () => {
  let timers: FakeTimers;
  let steps: string[];
  let refused: number | undefined;
  let gateways: Gateways;

  beforeEach(() => {
    timers = new FakeTimers();
    steps = [];
    refused = undefined;
    const make = ({ host, port }: ListenAddress) =>
      ({
        address: { address: host, port, family: "IPv4" },
        start: async () => {
          if (port === refused) throw new Error("taken");
          steps.push(`open ${port}`);
        },
        stop: async () => {
          steps.push(`close ${port}`);
        },
      }) as unknown as Gateway;
    const options = { make, listen: { host: "127.0.0.1", port: 1 }, graceMs: 60_000 };
    gateways = new Gateways(options, { timers, log: new MemoryLog() });
  });

  it("listens at the new place before it leaves the old one, as long as leases name that", async () => {
    await gateways.start();
    await gateways.moveTo({ host: "127.0.0.1", port: 2 });
    expect(gateways.address.port).to.equal(2);
    await timers.advance(59_999);
    expect(steps).to.deep.equal(["open 1", "open 2"]);
    await timers.advance(1);
    expect(steps).to.deep.equal(["open 1", "open 2", "close 1"]);
    await gateways.stop();
    expect(steps.at(-1)).to.equal("close 2");
  });

  it("leaves an old address after the time of its own move", async () => {
    await gateways.start();
    const to = (port: number) => ({ host: "127.0.0.1", port });
    expect(await gateways.moveTo(to(2), 300_000)).to.equal(300_000);
    expect(await gateways.moveTo(to(3), 1_000)).to.equal(1_000);
    expect(await gateways.moveTo(to(4))).to.equal(60_000);
    await timers.advance(1_000);
    expect(steps.slice(4)).to.deep.equal(["close 2"]);
    await timers.advance(59_000);
    expect(steps.slice(4)).to.deep.equal(["close 2", "close 3"]);
    await timers.advance(240_000);
    expect(steps.slice(4)).to.deep.equal(["close 2", "close 3", "close 1"]);
    await gateways.stop();
  });

  it("stays where it is when it cannot listen at the new place", async () => {
    await gateways.start();
    refused = 2;
    await failureOf(gateways.moveTo({ host: "127.0.0.1", port: 2 }));
    expect(gateways.address.port).to.equal(1);
    await timers.advance(100_000);
    expect(steps).to.deep.equal(["open 1"]);
    await gateways.stop();
  });

  it("closes all of them when it stops", async () => {
    await gateways.start();
    await gateways.moveTo({ host: "127.0.0.1", port: 2 });
    await gateways.moveTo({ host: "127.0.0.1", port: 3 });
    await gateways.stop();
    expect(steps.slice(3).sort()).to.deep.equal(["close 1", "close 2", "close 3"]);
    expect(timers.sleeping).to.equal(0);
  });
});
