import { expect } from "chai";
import type { AuditedService } from "../../../src/chain/services.ts";
import { Inspector, INSPECTIONS } from "../../../src/auditor/inspection/inspector.ts";
import { BlockcloudError } from "../../../src/protocol/errors.ts";
import type { Endpoint } from "../../../src/protocol/record.ts";
import { inspectionNonce } from "../../../src/protocol/sortition.ts";
import { hashOf } from "../../support/auditorRig.ts";
import { DEPLOYMENT } from "../../support/fakeChain.ts";
import { FakeTime, FakeTimers } from "../../support/fakeTime.ts";
import { failureOf } from "../../support/httpClient.ts";
import { MemoryLog } from "../../support/memoryLog.ts";
import {
  inspectionOf,
  ISSUED_AT,
  receipts,
  REQUEST,
  ServiceRig,
  type Script,
} from "../../support/serviceRig.ts";

/** The epoch in which the services of these tests date their receipts. */
const EPOCH = Math.floor((ISSUED_AT / 1000 - DEPLOYMENT.genesis) / DEPLOYMENT.epochSeconds);
const Y = hashOf(0xee);
const { bounds, key } = inspectionOf("http://a");

describe("Inspector", () => {
  const rig = new ServiceRig();
  let timers: FakeTimers;
  let time: FakeTime;
  let log: MemoryLog;
  let endpoints: Endpoint[] | undefined;
  let lost: Error | undefined;
  /** Seconds from the end of the window to the deadline. */
  let left: number;
  /** How long it takes to locate a service, milliseconds. */
  let locating: number;
  let service: AuditedService;

  beforeEach(() => {
    timers = new FakeTimers();
    time = new FakeTime(timers, DEPLOYMENT, EPOCH);
    log = new MemoryLog();
    [endpoints, lost, left, locating] = [undefined, undefined, 20, 0];
    service = {
      number: 7n,
      slot: 7,
      key,
      classId: 0,
      className: "http",
      bounds,
      probe: { v: 1, requests: [REQUEST] },
    };
  });
  afterEach(() => rig.close());

  function publish(...uris: string[]): void {
    endpoints = uris.map((uri, priority) => ({ uri, priority, weight: 1 }));
  }

  async function vote(seconds = 0, signal = new AbortController().signal) {
    const locate = async (asked: Pick<AuditedService, "number">) => {
      if (lost !== undefined) throw lost;
      timers.pass(locating);
      return asked.number === 7n ? (endpoints ?? []) : [];
    };
    const inspector = new Inspector(
      { allowLoopback: true },
      { time, timers, locate, receipts, log },
    );
    const from = time.now();
    const window = { from, to: from + seconds, deadline: from + seconds + left };
    return (await inspector.vote(service, EPOCH, Y, window, signal))!;
  }

  /** A service whose inspections go one script after the other. */
  async function serve(...scripts: Script[]): Promise<void> {
    let next = 0;
    publish(await rig.serve(() => scripts[next++ % scripts.length]!));
  }

  it("inspects three times, each with a nonce of its own, and keeps one receipt", async () => {
    await serve({ body: "fine" });
    const { number, grade, evidence } = await vote();
    expect({ number, grade }).to.deep.equal({ number: 7n, grade: 3 });
    expect(INSPECTIONS).to.equal(3);
    const nonces = rig.asked.map(({ headers }) => headers["service-nonce"]);
    expect(new Set(nonces).size).to.equal(3);
    expect(evidence?.number).to.equal(7n);
    const nonce = inspectionNonce(Y, 7n, evidence!.salt);
    expect(nonces, "the salt opens the nonce").to.contain(nonce);
    const { salt: _, number: __, ...signed } = evidence!;
    const { serviceId } = inspectionOf("http://a");
    expect(receipts.recover({ ...signed, serviceId, nonce })).to.equal(key);
  });

  it("does so at moments within the window", async () => {
    publish("http://127.0.0.1:1");
    const began: number[] = [];
    const from = time.now();
    const until = time.until.bind(time);
    time.until = (moment, signal) => {
      began.push(moment - from);
      return until(moment, signal);
    };
    await timers.play(vote(50));
    expect(began).to.have.length(3);
    for (const moment of began) expect(moment).to.be.within(0, 50);
    expect(new Set(began).size, "not all at once").to.be.above(1);
  });

  for (const [grades, expected] of [
    [["good", "good", "bad"], 3],
    [["good", "bad", "bad"], 0],
    [["bad", "bad", "bad"], 0],
  ] as const) {
    it(`votes ${expected} after ${grades.join(", ")}`, async () => {
      const script = (kind: "good" | "bad"): Script => (kind === "good" ? {} : { status: 500 });
      await serve(...grades.map(script));
      const { grade, evidence } = await vote();
      expect(grade).to.equal(expected);
      expect(evidence !== undefined, "evidence exactly where the vote needs it").to.equal(
        expected > 0,
      );
    });
  }

  it("votes FAILED where no endpoint is published", async () => {
    expect(await vote()).to.deep.equal({ number: 7n, grade: 0 });
    expect(log.lines.at(-1)?.fields.reasons).to.deep.equal(Array(3).fill("no endpoint published"));
  });

  it("does not vote on a service that cannot be located, which is not the service's fault", async () => {
    publish("http://127.0.0.1:1");
    lost = new BlockcloudError("RESOLVER_UNREACHABLE", "No peer.", { retryable: true });
    expect(await vote()).to.equal(undefined);
    expect(log.said("warn")).to.include("the service cannot be located");
  });

  it("votes FAILED where the probe cannot be read", async () => {
    await serve({});
    service = { ...service, probe: undefined };
    expect(await vote()).to.deep.equal({ number: 7n, grade: 0 });
    expect(log.lines.at(-1)?.fields.reasons).to.deep.equal(Array(3).fill("no valid probe"));
    expect(rig.asked).to.deep.equal([]);
  });

  it("goes to the endpoint of HTTP that comes first", async () => {
    const [worst, best] = [await rig.serve({ status: 500 }), await rig.serve({})];
    publish("tcp://127.0.0.1:1", best, worst);
    expect((await vote()).grade).to.equal(3);
  });

  it("picks among the probe's requests", async () => {
    await serve({});
    const paths = ["/a", "/b", "/c"];
    service = {
      ...service,
      probe: { v: 1, requests: paths.map((path) => ({ ...REQUEST, path })) },
    };
    for (let i = 0; i < 10; i++) expect((await vote()).grade).to.equal(3);
    const asked = new Set(rig.asked.map(({ target }) => target));
    expect([...asked].every((target) => paths.includes(target))).to.equal(true);
    expect(asked.size, "one in 3^29 runs would see a single one").to.be.above(1);
  });

  it("takes receipts of the epoch, a minute before and after it", async () => {
    await serve({});
    const half = 50_000;
    for (const [shift, grade] of [
      [-half - 60_000, 3],
      [-half - 60_001, 0],
      [half + 59_999, 3],
      [half + 60_000, 0],
    ] as const) {
      // The service's date stays, so the epoch moves.
      time = new FakeTime(
        timers,
        { ...DEPLOYMENT, genesis: DEPLOYMENT.genesis - shift / 1000 },
        EPOCH,
      );
      expect((await vote()).grade, `${shift}`).to.equal(grade);
    }
  });

  it("votes FAILED in the class json-rpc where the probe is no JSON-RPC call", async () => {
    await serve({});
    service = { ...service, className: "json-rpc" };
    expect(await vote()).to.deep.equal({ number: 7n, grade: 0 });
    expect(log.lines.at(-1)?.fields.reasons).to.deep.equal(
      Array(3).fill("a probe that does not suit the class json-rpc"),
    );
    expect(rig.asked).to.deep.equal([]);
  });

  it("does not vote where less is left than the class allows, and says so", async () => {
    await serve({});
    left = bounds.poorMs / 1000 - 0.001;
    expect(await vote()).to.equal(undefined);
    expect(rig.asked, "no service is asked for a vote that would not be fair").to.deep.equal([]);
    const { level, fields } = log.lines.at(-1)!;
    expect({ level, ...fields }).to.deep.include({ level: "warn", neededMs: bounds.poorMs });
    expect(fields.leftMs).to.equal(bounds.poorMs - 1);
    left = bounds.poorMs / 1000 + 1;
    expect((await vote()).grade).to.equal(3);
  });

  it("does not vote where locating the service took the time that the class allows", async () => {
    await serve({});
    locating = 11_000;
    expect(await vote()).to.equal(undefined);
    expect(rig.asked).to.deep.equal([]);
  });

  it("inspects only while all of the class's time is left, however long the window is", async () => {
    publish("http://127.0.0.1:1");
    left = 30;
    const began: number[] = [];
    const from = time.now();
    const until = time.until.bind(time);
    time.until = (moment, signal) => {
      began.push(moment - from);
      return until(moment, signal);
    };
    await timers.play(vote(30));
    for (const moment of began) expect(moment).to.be.within(0, 30 + 30 - bounds.poorMs / 1000);
    expect(log.lines.at(-1)?.fields).to.not.have.property("skipped");
  });

  it("gives up with the epoch", async () => {
    const abort = new AbortController();
    publish("http://127.0.0.1:1");
    const failed = failureOf(vote(50, abort.signal));
    const reason = new Error("over");
    abort.abort(reason);
    expect(await failed).to.equal(reason);
    expect(timers.sleeping).to.equal(0);
  });
});
