import { expect } from "chai";
import { EndpointFault } from "../../../src/chain/rpc/faults.ts";
import { createMetrics, type Metrics } from "../../../src/node/metrics.ts";
import { BlockcloudError } from "../../../src/protocol/errors.ts";
import { Fleet } from "../../../src/provider/fleet/fleet.ts";
import type { ServicePlan } from "../../../src/provider/fleet/plan.ts";
import { ProviderMetrics } from "../../../src/provider/metrics.ts";
import { failureOf } from "../../support/httpClient.ts";
import { FakeTimers } from "../../support/fakeTime.ts";
import { MemoryLog } from "../../support/memoryLog.ts";
import { sample } from "../../support/samples.ts";

const GRACE_MS = 60_000;

function planOf(number: bigint, port: number, fingerprint = ""): ServicePlan {
  const upstream = new URL("http://127.0.0.1:3000");
  const listen = { host: "127.0.0.1", port };
  return {
    settings: { number, upstream, listen, endpoint: undefined, settleEvery: 24 },
    fingerprint: `${port} ${fingerprint}`,
    keyFingerprint: "key",
    keys: () => Promise.reject(new Error("the parts of this test need no keys")),
  };
}

describe("Fleet", () => {
  let timers: FakeTimers;
  let log: MemoryLog;
  let metrics: Metrics;
  let fleet: Fleet;
  let plans: ServicePlan[] | BlockcloudError;
  /** What happened, in order. */
  let steps: string[];
  /** Steps that fail, with their errors. */
  let failing: Map<string, Error>;
  let hasChain: boolean;
  /** The error that ended the agent. */
  let ended: unknown;
  /** Steps that do not end. */
  let slow: Set<string>;

  beforeEach(() => {
    timers = new FakeTimers();
    log = new MemoryLog();
    metrics = createMetrics("provider");
    plans = [planOf(1n, 8081), planOf(2n, 8082), planOf(3n, 8083)];
    steps = [];
    failing = new Map();
    slow = new Set();
    [hasChain, ended] = [true, undefined];
    const step = (name: string) => {
      const error = failing.get(name);
      steps.push(error instanceof BlockcloudError ? `${name}: ${error.code}` : name);
      if (slow.has(name)) return new Promise<void>(() => {});
      return error === undefined ? Promise.resolve() : Promise.reject(error);
    };
    fleet = new Fleet(
      { graceMs: GRACE_MS },
      {
        source: {
          read: () =>
            plans instanceof BlockcloudError ? Promise.reject(plans) : Promise.resolve(plans),
        },
        make: async ({ settings: { number, listen } }) => {
          await step(`make ${number}`);
          const port = listen.port;
          return {
            check: () => step(`check ${number}`),
            front: {
              start: () => step(`open ${number}:${port}`),
              stop: () => step(`close ${number}:${port}`),
            },
            tasks: { start: () => step(`begin ${number}`), stop: () => step(`end ${number}`) },
          };
        },
        ...{ metrics: new ProviderMetrics(metrics), timers, log },
        hasChain: () => hasChain,
        fail: (error) => {
          ended = error;
        },
      },
    );
  });
  afterEach(async () => {
    failing.clear();
    await fleet.tasks.stop();
    await fleet.fronts.stop();
    expect(timers.sleeping).to.equal(0);
  });

  const start = async () => {
    await fleet.fronts.start();
    await fleet.tasks.start();
    await timers.advance(0);
    steps = [];
  };
  const up = (service: string) => sample(metrics, "blockcloud_provider_service_up", { service });
  const unwell = () =>
    metrics.health.report().checks.flatMap(({ name, reason }) => (reason ? [name, reason] : []));
  const portTaken = new BlockcloudError("GATEWAY_LISTEN", "Cannot listen on 127.0.0.1:8082.");
  const otherKey = new BlockcloudError("SERVICE_KEY_OTHER", "The given key is another's.");
  const noEther = new BlockcloudError("BALANCE_TOO_LOW", "There is no ether.");

  it("opens all gateways before any task, for which the chain is needed", async () => {
    await fleet.fronts.start();
    expect(steps.filter((each) => each.startsWith("begin"))).to.deep.equal([]);
    expect(steps).to.include.members(["open 1:8081", "open 2:8082", "open 3:8083"]);
    await fleet.tasks.start();
    await timers.advance(0);
    expect(steps).to.include.members(["begin 1", "begin 2", "begin 3"]);
    expect(log.lines.at(-1)?.fields).to.deep.equal({ services: 3, failed: 0 });
  });

  it("serves the others while one cannot listen, and that one as soon as it can", async () => {
    failing.set("open 2:8082", portTaken);
    await start();
    expect([await up("1"), await up("2"), await up("3")]).to.deep.equal([1, 0, 1]);
    expect(unwell()).to.deep.equal(["service_2", "cannot start: GATEWAY_LISTEN"]);
    const [line] = log.lines.filter(({ level }) => level === "error");
    expect(line?.fields).to.include({ service: 2n, code: "GATEWAY_LISTEN" });

    await timers.advance(1_000);
    expect(steps).to.include("open 2:8082: GATEWAY_LISTEN");
    expect(log.said("error"), "a repeated error is a warning").to.have.length(1);
    failing.clear();
    await timers.advance(2_000);
    expect(await up("2")).to.equal(1);
    expect(unwell()).to.deep.equal([]);
    expect(steps.filter((each) => /[13]/.test(each.split(":")[0] ?? ""))).to.deep.equal([]);
  });

  it("waits longer after each failure, up to a minute", async () => {
    failing.set("make 2", new BlockcloudError("KEY_MISSING", "No key."));
    await start();
    const moments: number[] = [];
    for (let second = 1; second <= 200; second++) {
      await timers.advance(1_000);
      if (steps.splice(0).length > 0) moments.push(second);
    }
    expect(moments).to.deep.equal([1, 3, 7, 15, 31, 63, 123, 183]);
  });

  it("closes the gateway of a service whose tasks cannot start, and tries all of it again", async () => {
    failing.set("begin 2", noEther);
    await fleet.fronts.start();
    await fleet.tasks.start();
    await timers.advance(0);
    const own = () => steps.splice(0).filter((each) => each.includes(" 2"));
    expect(own()).to.deep.equal([
      ...["make 2", "check 2", "open 2:8082", "begin 2: BALANCE_TOO_LOW", "end 2", "close 2:8082"],
    ]);
    failing.clear();
    await timers.advance(1_000);
    expect(own()).to.deep.equal(["make 2", "check 2", "open 2:8082", "begin 2"]);
  });

  it("does not start if no gateway can be opened", async () => {
    for (const name of ["open 1:8081", "open 2:8082", "open 3:8083"]) failing.set(name, portTaken);
    expect(await failureOf(fleet.fronts.start())).to.have.property("code", "GATEWAY_LISTEN");
  });

  it("leaves the report of its only service's failure to its caller, until it has started", async () => {
    plans = [planOf(1n, 8081)];
    failing.set("begin 1", otherKey);
    await fleet.fronts.start();
    expect(await failureOf(fleet.tasks.start())).to.equal(otherKey);
    expect(log.said("error"), "it is not tried again").to.deep.equal([]);
  });

  it("logs the failure of its only service once it has started", async () => {
    plans = [planOf(1n, 8081)];
    await start();
    failing.set("make 1", portTaken);
    plans = [planOf(1n, 8082)];
    await fleet.reload();
    const [line] = log.lines.filter(({ level }) => level === "error");
    expect(line?.fields).to.include({ code: "GATEWAY_LISTEN", triedAgainInSeconds: 1 });
  });

  it("does not start if no service has got through, each for a reason of its own", async () => {
    failing.set("open 1:8081", portTaken);
    failing.set("begin 2", noEther);
    failing.set("begin 3", noEther);
    await fleet.fronts.start();
    expect(await failureOf(fleet.tasks.start())).to.have.property("code", "GATEWAY_LISTEN");
  });

  it("has started with the first service that runs, though another waits for its announcement", async () => {
    slow.add("begin 2");
    await fleet.fronts.start();
    await fleet.tasks.start();
    await timers.advance(0);
    expect(await up("1")).to.equal(1);
    expect(await up("2"), "it has neither failed nor started").to.equal(undefined);
    expect(log.said("info")).not.to.include("the services have started");
    await fleet.tasks.stop();
    expect(steps).to.include("end 2");
  });

  it("asks the chain before it listens whether it can serve a service", async () => {
    failing.set("check 2", otherKey);
    await start();
    expect(unwell()).to.deep.equal(["service_2", "cannot start: SERVICE_KEY_OTHER"]);
    failing.clear();
    await timers.advance(1_000);
    expect(steps).to.deep.equal(["make 2", "check 2", "open 2:8082", "begin 2"]);
  });

  it("tries a retired service no more, until the services are read again", async () => {
    failing.set("check 2", new BlockcloudError("SERVICE_RETIRED", "Service 2 is retired."));
    await start();
    await timers.advance(600_000);
    expect(steps).to.deep.equal([]);
    await fleet.reload();
    expect(steps).to.deep.equal(["make 2", "check 2: SERVICE_RETIRED", "close 2:8082"]);
  });

  describe("while the chain cannot be reached", () => {
    beforeEach(async () => {
      hasChain = false;
      await fleet.fronts.start();
      expect(steps.filter((each) => /^(check|begin)/.test(each))).to.deep.equal([]);
      steps = [];
      hasChain = true;
    });

    it("serves, and asks before any task", async () => {
      await fleet.tasks.start();
      await timers.advance(0);
      const own = steps.filter((each) => each.endsWith(" 2"));
      expect(own).to.deep.equal(["check 2", "begin 2"]);
    });

    it("closes the gateway of a service that it cannot serve, as the chain says later", async () => {
      failing.set("check 2", otherKey);
      await fleet.tasks.start();
      await timers.advance(0);
      expect(steps.filter((each) => each.includes(" 2"))).to.deep.equal([
        ...["check 2: SERVICE_KEY_OTHER", "close 2:8082"],
      ]);
      expect(ended).to.equal(undefined);
    });

    it("ends the agent if it can serve none, as the chain says later", async () => {
      for (const number of [1, 2, 3]) failing.set(`check ${number}`, otherKey);
      await fleet.tasks.start();
      expect(ended).to.equal(otherKey);
    });
  });

  it("serves though the endpoint fails in the middle of the question, and asks again", async () => {
    failing.set("check 2", new EndpointFault("network", "gone"));
    await start();
    expect(unwell()).to.deep.equal([]);
    expect(log.said("warn")).to.have.length.above(0);
    failing.clear();
    await timers.advance(1_000);
    expect(steps).to.deep.equal(["check 2", "begin 2"]);
  });

  it("stops though services wait for the chain", async () => {
    await fleet.fronts.start();
    await fleet.fronts.stop();
    expect(steps.slice(-3).sort()).to.deep.equal(["close 1:8081", "close 2:8082", "close 3:8083"]);
  });

  describe("when the services are read again", () => {
    it("starts what was added, drains what was removed, and touches nothing else", async () => {
      await start();
      plans = [planOf(1n, 8081), planOf(3n, 8083), planOf(4n, 8084)];
      await fleet.reload();
      await timers.advance(0);
      expect(steps).to.deep.equal(["end 2", "make 4", "check 4", "open 4:8084", "begin 4"]);
      await timers.advance(GRACE_MS - 1);
      expect(steps).not.to.include("close 2:8082");
      await timers.advance(1);
      expect(steps.at(-1)).to.equal("close 2:8082");
      expect(await up("2"), "its series is gone").to.equal(undefined);
      expect(fleet.size).to.equal(3);
      const said = log.lines.find(({ message }) => message === "the services were read again");
      expect(said?.fields).to.deep.equal({
        ...{ services: 3, failed: 0, added: ["4"], changed: [], removed: ["2"] },
      });
    });

    it("drains a removed service for the time of its own settings", async () => {
      const slow = planOf(2n, 8082);
      plans = [planOf(1n, 8081), { ...slow, settings: { ...slow.settings, graceMs: 300_000 } }];
      await start();
      plans = [planOf(1n, 8081)];
      await fleet.reload();
      await timers.advance(299_999);
      expect(steps).to.deep.equal(["end 2"]);
      await timers.advance(1);
      expect(steps).to.deep.equal(["end 2", "close 2:8082"]);
    });

    it("restarts what has other settings, the old gateway open meanwhile", async () => {
      await start();
      plans = [planOf(1n, 8081), planOf(2n, 8092), planOf(3n, 8083)];
      await fleet.reload();
      await timers.advance(0);
      expect(steps).to.deep.equal(["end 2", "make 2", "check 2", "open 2:8092", "begin 2"]);
      await timers.advance(GRACE_MS);
      expect(steps.at(-1)).to.equal("close 2:8082");
      expect(await up("2")).to.equal(1);
    });

    it("closes a port that is needed before it opens it", async () => {
      await start();
      plans = [planOf(1n, 8081, "another upstream"), planOf(4n, 8082), planOf(3n, 8083)];
      await fleet.reload();
      expect(steps.indexOf("close 1:8081")).to.be.within(0, steps.indexOf("open 1:8081") - 1);
      expect(steps.indexOf("close 2:8082")).to.be.within(0, steps.indexOf("open 4:8082") - 1);
    });

    it("takes a removed service back at once, though its old gateway had the port", async () => {
      await start();
      plans = [planOf(1n, 8081), planOf(3n, 8083)];
      await fleet.reload();
      await timers.advance(10_000);
      expect(steps).to.deep.equal(["end 2"]);
      plans = [planOf(1n, 8081), planOf(2n, 8082), planOf(3n, 8083)];
      await fleet.reload();
      await timers.advance(GRACE_MS);
      expect(steps).to.deep.equal([
        "end 2",
        "close 2:8082",
        "make 2",
        "check 2",
        "open 2:8082",
        "begin 2",
      ]);
      expect(await up("2"), "its series is kept").to.equal(1);
    });

    it("restarts a service with another key, but not because its key file cannot be read", async () => {
      await start();
      plans = [planOf(1n, 8081), planOf(2n, 8082), planOf(3n, 8083)].map((plan) => ({
        ...plan,
        keyFingerprint: plan.settings.number === 2n ? "new key" : undefined,
      }));
      await fleet.reload();
      await timers.advance(0);
      expect(steps).to.deep.equal([
        ...["end 2", "close 2:8082", "make 2", "check 2", "open 2:8082", "begin 2"],
      ]);
    });

    it("changes nothing for services with an error, and says so", async () => {
      await start();
      plans = new BlockcloudError("CONFIG_INVALID", "services.json cannot be read.");
      await fleet.reload();
      expect(steps).to.deep.equal([]);
      const [line] = log.lines.filter(({ level }) => level === "error");
      expect(line?.fields).to.include({ code: "CONFIG_INVALID" });
      plans = [planOf(1n, 8081)];
      await fleet.reload();
      expect(steps).to.deep.equal(["end 2", "end 3"]);
    });

    it("tries at once what could not start", async () => {
      failing.set("open 2:8082", portTaken);
      await start();
      await timers.advance(20_000);
      steps = [];
      failing.clear();
      await fleet.reload();
      await timers.advance(0);
      expect(steps).to.deep.equal(["make 2", "check 2", "open 2:8082", "begin 2"]);
      expect(unwell()).to.deep.equal([]);
    });

    it("forgets a service that never started", async () => {
      failing.set("open 2:8082", portTaken);
      await start();
      plans = [planOf(1n, 8081)];
      await fleet.reload();
      await timers.advance(GRACE_MS);
      expect(unwell()).to.deep.equal([]);
      expect(await up("2")).to.equal(undefined);
    });

    it("takes one reload after the other", async () => {
      await start();
      plans = [planOf(1n, 8081)];
      const first = fleet.reload();
      plans = [planOf(1n, 8081), planOf(2n, 8082)];
      await Promise.all([first, fleet.reload()]);
      await timers.advance(0);
      expect(await up("2")).to.equal(1);
      expect(await up("3")).not.to.equal(undefined);
      await timers.advance(GRACE_MS);
      expect(await up("3")).to.equal(undefined);
    });
  });
});
