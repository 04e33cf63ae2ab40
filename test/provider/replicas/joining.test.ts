import { expect } from "chai";
import type { Hex } from "viem";
import { systemScheduler } from "../../../src/node/scheduler.ts";
import { hexToBytes } from "../../../src/protocol/bytes.ts";
import { signRecord, type Endpoint } from "../../../src/protocol/record.ts";
import { rootServiceId } from "../../../src/protocol/serviceId.ts";
import { addressOfKey } from "../../../src/protocol/signature.ts";
import { blockcloudDomain } from "../../../src/protocol/typedData.ts";
import { handIn } from "../../../src/provider/replicas/handIn.ts";
import { Instances } from "../../../src/provider/replicas/instances.ts";
import { Joiner } from "../../../src/provider/replicas/joiner.ts";
import { LeaseFront } from "../../../src/provider/replicas/leaseFront.ts";
import { DEPLOYMENT } from "../../support/fakeChain.ts";
import { FakeTimers } from "../../support/fakeTime.ts";
import { ask } from "../../support/httpClient.ts";
import { MemoryLog } from "../../support/memoryLog.ts";
import { until } from "../../support/until.ts";

const key = hexToBytes(`0x${"4b".repeat(32)}`);
const signer = addressOfKey(key);
const serviceId = rootServiceId(7n);
const domain = blockcloudDomain(BigInt(DEPLOYMENT.chainId), DEPLOYMENT.contracts.registry);
const START = 1_800_000_000_000;
const OWN: Endpoint[] = [{ uri: "sal://198.51.100.1:443", priority: 0, weight: 1 }];

/** An instance that publishes, behind a real HTTP server. */
class PublishingInstance {
  readonly instances: Instances;
  readonly front: LeaseFront;
  record: Hex | undefined;
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
    const log = new MemoryLog();
    this.instances = new Instances(
      { serviceId, key, signer, delegation: "0x", domain },
      { now, log },
    );
    this.front = new LeaseFront(
      { host: "127.0.0.1", port: 0 },
      { instances: this.instances, record: () => this.record, monotonic: now, log },
    );
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${this.front.address.port}`);
  }

  get uris(): string[] {
    return this.instances.endpoints(OWN).map(({ uri }) => uri);
  }

  publish(): void {
    const issuedAt = BigInt(this.#now());
    const endpoints = this.instances.endpoints(OWN);
    const times = { issuedAt, expiresAt: issuedAt + 60_000n };
    this.record = signRecord({ ...times, serviceId, endpoints, delegation: "0x" }, domain, key);
  }
}

describe("an instance that joins", () => {
  let timers: FakeTimers;
  let first: PublishingInstance;
  let second: PublishingInstance;
  let joiner: Joiner;
  let endpoints: Endpoint[];
  let moved: Hex[];
  let log: MemoryLog;
  /** Whether another process goes on with the instance. */
  let isSucceeded: boolean;
  /** Leases that are under way. */
  let running: number;
  const now = () => START + timers.monotonic();

  beforeEach(async () => {
    timers = new FakeTimers();
    [moved, running, isSucceeded] = [[], 0, false];
    log = new MemoryLog();
    first = new PublishingInstance(now);
    second = new PublishingInstance(now);
    await first.front.start();
    await second.front.start();
    endpoints = [{ uri: "sal://198.51.100.2:443", priority: 0, weight: 1 }];
    joiner = join([first.url, second.url]);
  });
  afterEach(async () => {
    await joiner.stop();
    await first.front.stop();
    await second.front.stop();
  });

  function join(publishers: URL[]): Joiner {
    return new Joiner(
      { serviceId, instance: "0x00112233aabbccdd", key, signer, domain, publishers },
      {
        whereabouts: { endpoints: () => endpoints, follow: () => Promise.resolve(undefined) },
        store: { changed: () => false, concludeMove: () => {} },
        handIn: async (...args) => {
          running += 1;
          try {
            return await handIn(...args);
          } finally {
            running -= 1;
          }
        },
        moved: (record) => moved.push(record),
        isSucceeded: () => isSucceeded,
        ...{ now, timers, clock: systemScheduler, log },
      },
    );
  }

  /** Lets time pass in steps, each after the requests of the one before. */
  async function pass(milliseconds: number): Promise<void> {
    for (let left = milliseconds; left > 0; left -= 100) {
      await timers.advance(100);
      await until("no lease is under way", () => running === 0);
    }
  }

  it("is named, stays named, and leaves at its stop", async () => {
    await joiner.start();
    expect(first.uris).to.include("sal://198.51.100.2:443");
    await pass(60_000);
    expect(first.uris).to.include("sal://198.51.100.2:443");
    await joiner.stop();
    expect(first.uris).to.deep.equal(["sal://198.51.100.1:443"]);
  });

  it("stays named when another process takes its place, which hands in the next lease", async () => {
    await joiner.start();
    await pass(1_000);
    isSucceeded = true;
    await joiner.stop();
    expect(first.uris).to.include("sal://198.51.100.2:443");
    isSucceeded = false;
    joiner = join([first.url, second.url]);
    await joiner.start();
    await pass(60_000);
    expect(first.uris).to.include("sal://198.51.100.2:443");
  });

  it("tells its clients a record once that names its new address", async () => {
    await joiner.start();
    first.publish();
    await pass(500);
    expect(moved).to.deep.equal([]);
    endpoints = [{ uri: "sal://203.0.113.9:443", priority: 0, weight: 1 }];
    await pass(300);
    expect(moved).to.deep.equal([]);
    first.publish();
    await pass(500);
    expect(moved).to.deep.equal([first.record]);
  });

  it("goes to the next publisher when one has died", async () => {
    await joiner.start();
    await first.front.stop();
    await pass(6_000);
    expect(second.uris).to.include("sal://198.51.100.2:443");
    expect(log.lines.filter(({ level }) => level === "warn")).to.deep.equal([]);
  });

  it("serves on without a publisher, and joins when there is one", async () => {
    const { port } = second.url;
    await first.front.stop();
    await second.front.stop();
    await joiner.start();
    await pass(5_000);
    const warnings = log.lines.filter(({ level }) => level === "warn");
    expect(warnings.length).to.equal(1);
    second = new PublishingInstance(now);
    Object.assign(second, {
      front: new LeaseFront(
        { host: "127.0.0.1", port: Number(port) },
        { instances: second.instances, record: () => undefined, monotonic: () => 0, log },
      ),
    });
    await second.front.start();
    await pass(2_000);
    expect(second.uris).to.include("sal://198.51.100.2:443");
  });
});

describe("the address at which instances join", () => {
  let publisher: PublishingInstance;
  let port: number;

  before(async () => {
    publisher = new PublishingInstance(() => START);
    await publisher.front.start();
    port = publisher.front.address.port;
  });
  after(() => publisher.front.stop());

  for (const [what, request, status, code] of [
    ["another path", { path: "/", method: "POST" }, 400, "INSTANCE_REQUEST_INVALID"],
    ["another method", { path: "/v1/leases" }, 400, "INSTANCE_REQUEST_INVALID"],
    [
      "no lease",
      { path: "/v1/leases", method: "POST", body: "hello" },
      400,
      "INSTANCE_LEASE_MALFORMED",
    ],
    [
      "a body without end",
      { path: "/v1/leases", method: "POST", body: `0x${"00".repeat(50_000)}` },
      400,
      "INSTANCE_LEASE_MALFORMED",
    ],
  ] as [string, { path: string; method?: string; body?: string }, number, string][]) {
    it(`refuses ${what}`, async () => {
      const { path, method = "GET", body = "" } = request;
      const answer = await ask({ port, path, method, body: Buffer.from(body) });
      expect(answer.status).to.equal(status);
      expect(JSON.parse(answer.body.toString())).to.include({ code });
    });
  }

  it("bounds what one peer may ask", async () => {
    const statuses: number[] = [];
    for (let count = 0; count < 110; count++) {
      const body = Buffer.from("0x00");
      const { status } = await ask({ port, path: "/v1/leases", method: "POST", body });
      statuses.push(status);
    }
    expect(statuses.at(-1)).to.equal(429);
  });
});
