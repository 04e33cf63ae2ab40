import { expect } from "chai";
import type { SalProvider } from "../../../src/sal/provider/salProvider.ts";
import { HandedService } from "../../../src/provider/handoff/handedService.ts";
import { FakeClock } from "../../sal/rig/fakeClock.ts";
import { KEY, SERVICE } from "../../sal/rig/salRig.ts";
import { MemoryLog } from "../../support/memoryLog.ts";

describe("a service that another process serves now", () => {
  it("leaves port, relays and port mapping to it, and then takes no new clients", async () => {
    const steps: string[] = [];
    const step = (name: string) => () => {
      steps.push(name);
      return Promise.resolve();
    };
    const sal = { handOver: step("sessions"), isBusy: false, flows: 0 } as unknown as SalProvider;
    const service = new HandedService(
      { serviceId: SERVICE, keys: [KEY], sal },
      {
        gateways: {
          address: { address: "127.0.0.1", family: "IPv4", port: 8_443 },
          isServing: false,
          leave: step("port"),
        },
        whereabouts: { followed: 0 },
        relays: { stop: step("relays"), status: [], succeeded: () => {} },
        direct: { leave: () => steps.push("mapping") },
        pay: undefined,
        ...{ clock: new FakeClock(), log: new MemoryLog() },
      },
    );
    await service.leave();
    expect(steps).to.deep.equal(["mapping", "port", "relays", "sessions"]);
  });
});
