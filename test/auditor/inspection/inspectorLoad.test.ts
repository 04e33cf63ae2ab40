import { expect } from "chai";
import type { ServerResponse } from "node:http";
import { setImmediate as turn } from "node:timers/promises";
import type { AuditedService } from "../../../src/chain/services.ts";
import { Inspector, INSPECTIONS, type Vote } from "../../../src/auditor/inspection/inspector.ts";
import { AuditorMetrics } from "../../../src/auditor/metrics.ts";
import { createMetrics, type Metrics } from "../../../src/node/metrics.ts";
import { hashOf } from "../../support/auditorRig.ts";
import { DEPLOYMENT } from "../../support/fakeChain.ts";
import { FakeTime, FakeTimers } from "../../support/fakeTime.ts";
import { MemoryLog } from "../../support/memoryLog.ts";
import { sample } from "../../support/samples.ts";
import {
  inspectionOf,
  ISSUED_AT,
  receipts,
  REQUEST,
  ServiceRig,
} from "../../support/serviceRig.ts";

const EPOCH = Math.floor((ISSUED_AT / 1000 - DEPLOYMENT.genesis) / DEPLOYMENT.epochSeconds);
const { key, bounds } = inspectionOf("http://a");
const PARALLEL = 8;

describe("Inspector: many services, some of them hostile", () => {
  const rig = new ServiceRig();
  let timers: FakeTimers;
  let time: FakeTime;
  let endpoints: Map<bigint, string>;
  let inspector: Inspector;
  let metrics: Metrics;

  beforeEach(() => {
    timers = new FakeTimers();
    time = new FakeTime(timers, DEPLOYMENT, EPOCH);
    endpoints = new Map();
    metrics = createMetrics("auditor");
    const locate = async ({ number }: Pick<AuditedService, "number">) => {
      const uri = endpoints.get(number);
      return uri === undefined ? [] : [{ uri, priority: 0, weight: 1 }];
    };
    inspector = new Inspector(
      { allowLoopback: true, maxParallel: PARALLEL },
      {
        time,
        timers,
        locate,
        receipts,
        log: new MemoryLog(),
        metrics: new AuditorMetrics(metrics),
      },
    );
  });
  afterEach(() => rig.close());

  function vote(number: bigint, seconds = 0): Promise<Vote | undefined> {
    const service: AuditedService = {
      number,
      slot: 1,
      key,
      classId: 0,
      className: "http",
      bounds: { ...bounds, poorMs: 600_000 },
      probe: { v: 1, requests: [REQUEST] },
    };
    const from = time.now();
    const window = { from, to: from + seconds, deadline: from + seconds + 601 };
    return inspector.vote(service, EPOCH, hashOf(1), window, new AbortController().signal);
  }

  it("holds so many connections and no more, whatever is drawn", async () => {
    const services = 40;
    const waiting: ServerResponse[] = [];
    let most = 0;
    const arrived = [Promise.withResolvers<number>()];
    const endpoint = await rig.listen((_, response) => {
      waiting.push(response);
      most = Math.max(most, waiting.length);
      if (waiting.length === PARALLEL) arrived.at(-1)!.resolve(waiting.length);
    });
    for (let number = 1n; number <= services; number++) endpoints.set(number, endpoint);
    const votes = Promise.all([...endpoints.keys()].map((number) => vote(number)));
    for (let left = services * INSPECTIONS; left > 0; left -= PARALLEL) {
      await arrived.at(-1)!.promise;
      arrived.push(Promise.withResolvers());
      const running = await sample(metrics, "blockcloud_auditor_inspections_running");
      expect(running).to.equal(PARALLEL);
      for (const response of waiting.splice(0)) response.writeHead(500).end();
    }
    expect((await votes).map((each) => each?.grade)).to.deep.equal(Array(services).fill(0));
    expect(most).to.equal(PARALLEL);
    expect(await sample(metrics, "blockcloud_auditor_inspections_running")).to.equal(0);
  });

  it("does not let a service that never answers hurt the others' votes", async () => {
    const held: ServerResponse[] = [];
    endpoints.set(
      1n,
      await rig.listen((_, response) => {
        held.push(response);
      }),
    );
    const honest = await rig.serve({ body: "fine" });
    for (let number = 2n; number <= 21n; number++) endpoints.set(number, honest);
    // The honest services sign as service 7, so this test checks only that receipts were received.
    const hostile = vote(1n);
    const others = await Promise.all([...endpoints.keys()].slice(1).map((number) => vote(number)));
    expect(others).to.have.length(20);
    expect(rig.asked, "each was inspected in full meanwhile").to.have.length(20 * INSPECTIONS);
    expect(held).to.have.length(INSPECTIONS);
    for (const response of held) response.destroy();
    expect(await hostile).to.deep.equal({ number: 1n, grade: 0 });
  });

  it("says nothing of a service that it found no time for, rather than FAILED", async () => {
    const held: ServerResponse[] = [];
    const full = Promise.withResolvers<undefined>();
    const slow = await rig.listen((_, response) => {
      held.push(response);
      if (held.length === PARALLEL) full.resolve(undefined);
    });
    for (const number of [1n, 2n, 3n]) endpoints.set(number, slow);
    endpoints.set(7n, await rig.serve({}));
    const first = Promise.all([1n, 2n, 3n].map((number) => vote(number)));
    await full.promise;
    const late = vote(7n);
    await turn();
    timers.pass(1_000);
    while (held.length > 0) {
      for (const response of held.splice(0)) response.destroy();
      await turn();
    }
    expect(await late).to.equal(undefined);
    expect(rig.asked, "service 7 was not bothered in vain").to.have.length(0);
    const grades = (await first).map((each) => each?.grade);
    expect(grades).to.deep.equal([0, 0, 0]);
  });
});
