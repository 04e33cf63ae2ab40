import { expect } from "chai";
import { Inspector } from "../../../src/auditor/inspection/inspector.ts";
import type { AuditedService } from "../../../src/chain/services.ts";
import type { ProbeSpecification } from "../../../src/protocol/probe.ts";
import { inspectionNonce } from "../../../src/protocol/sortition.ts";
import { hashOf } from "../../support/auditorRig.ts";
import { DEPLOYMENT } from "../../support/fakeChain.ts";
import { FakeTime, FakeTimers } from "../../support/fakeTime.ts";
import { MemoryLog } from "../../support/memoryLog.ts";
import { ECHO, httpAt, SalServiceRig } from "../../support/salServiceRig.ts";
import {
  inspectionOf,
  ISSUED_AT,
  receipts,
  REQUEST,
  ServiceRig,
} from "../../support/serviceRig.ts";

/** The epoch in which the services of these tests date their receipts. */
const EPOCH = Math.floor((ISSUED_AT / 1000 - DEPLOYMENT.genesis) / DEPLOYMENT.epochSeconds);
const Y = hashOf(0xee);
const { bounds, key, serviceId } = inspectionOf("http://a");
const EXCHANGES: ProbeSpecification = {
  v: 3,
  requests: [{ port: ECHO, send: "{r}", expect: "{r}" }],
};

describe("Inspector, by what the record names", () => {
  const sal = new SalServiceRig();
  const http = new ServiceRig();
  let log: MemoryLog;
  let service: AuditedService;

  beforeEach(() => {
    log = new MemoryLog();
    service = {
      ...{ number: 7n, slot: 7, key, classId: 0, className: "http", bounds },
      probe: { v: 1, requests: [REQUEST] },
    };
  });
  afterEach(async () => {
    sal.close();
    await http.close();
  });

  async function vote(uris: readonly string[], speaksSal = true) {
    const timers = new FakeTimers();
    const time = new FakeTime(timers, DEPLOYMENT, EPOCH);
    const locate = () =>
      Promise.resolve(uris.map((uri, priority) => ({ uri, priority, weight: 1 })));
    const inspector = new Inspector(
      { allowLoopback: true },
      { time, timers, locate, receipts, log, sal: speaksSal ? sal.parts : undefined },
    );
    const from = time.now();
    const window = { from, to: from, deadline: from + 20 };
    return inspector.vote(service, EPOCH, Y, window, new AbortController().signal);
  }

  const transports = () => log.lines.at(-1)?.fields.transports as string[];

  async function serveBoth(): Promise<string[]> {
    const url = await http.serve({ body: "fine" });
    return [url, await sal.serve({ ports: { 80: httpAt(url) } })];
  }

  it("inspects a service over the SAL that speaks nothing else", async () => {
    const [, endpoint = ""] = await serveBoth();
    const cast = (await vote([endpoint])) ?? expect.fail("no vote");
    expect(cast.grade).to.equal(3);
    expect(transports()).to.deep.equal(["sal", "sal", "sal"]);
    const { salt, number, transport, ...signed } = cast.evidence ?? expect.fail("no evidence");
    expect({ number, transport }).to.deep.equal({ number: 7n, transport: "sal" });
    const nonce = inspectionNonce(Y, 7n, salt);
    expect(receipts.recover({ ...signed, serviceId, nonce }), "the salt opens it").to.equal(key);
    expect(sal.connections, "one of three sessions resumed").to.deep.equal([4]);
  });

  it("probes over each transport of the record", async () => {
    const uris = await serveBoth();
    const seen = new Set<string>();
    for (let i = 0; i < 12; i++) {
      expect((await vote(uris))?.grade).to.equal(3);
      for (const transport of transports()) seen.add(transport);
    }
    expect([...seen].sort(), "one in 2^35 runs would see a single one").to.deep.equal([
      "http",
      "sal",
    ]);
  });

  it("lets the class tcp prove itself by exchanges", async () => {
    service = { ...service, className: "tcp", probe: EXCHANGES };
    const endpoint = await sal.serve();
    expect((await vote([await http.serve({}), endpoint]))?.grade).to.equal(3);
    expect(http.asked, "HTTP cannot carry an exchange").to.deep.equal([]);
  });

  it("fails a tcp service that can be reached by HTTP alone, and one that asks for HTTP", async () => {
    service = { ...service, className: "tcp", probe: EXCHANGES };
    expect(await vote([await http.serve({})])).to.deep.equal({ number: 7n, grade: 0 });
    expect(transports()).to.deep.equal(["none", "none", "none"]);
    service = { ...service, probe: { v: 1, requests: [REQUEST] } };
    expect(await vote([await sal.serve()])).to.deep.equal({ number: 7n, grade: 0 });
  });

  for (const [what, uris, speaksSal] of [
    ["an endpoint of a scheme that it does not speak", ["tcp://127.0.0.1:1"], true],
    ["the SAL, which it does not speak", ["sal://127.0.0.1:1"], false],
  ] as const) {
    it(`casts no vote on a service whose record names only ${what}`, async () => {
      expect(await vote(uris, speaksSal)).to.equal(undefined);
      expect(log.said("warn")).to.deep.equal(
        Array(3).fill("no inspection: the transport is not spoken here"),
      );
    });
  }

  it("casts no vote on a service that speaks a version of tomorrow", async () => {
    expect(await vote([await sal.serveTomorrow()])).to.equal(undefined);
  });

  it("uses what it speaks beside what it does not", async () => {
    const [url = ""] = await serveBoth();
    expect((await vote(["tcp://127.0.0.1:1", "sal://127.0.0.1:1", url], false))?.grade).to.equal(3);
    expect(transports()).to.deep.equal(["http", "http", "http"]);
  });
});
