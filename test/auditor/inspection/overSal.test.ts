import { expect } from "chai";
import { randomBytes } from "node:crypto";
import type { Hex } from "viem";
import type { FailureClass, Finding } from "../../../src/auditor/inspection/finding.ts";
import { inspect } from "../../../src/auditor/inspection/inspect.ts";
import type { Inspection } from "../../../src/auditor/inspection/inspection.ts";
import { bytesToHex, hexToBytes } from "../../../src/protocol/bytes.ts";
import type { ExchangeProbe } from "../../../src/protocol/exchange.ts";
import { rawName } from "../../../src/protocol/name.ts";
import { addressOfKey } from "../../../src/protocol/signature.ts";
import { salError } from "../../../src/sal/errors.ts";
import type { FlowHandler } from "../../../src/sal/provider/service.ts";
import { DEPLOYMENT } from "../../support/fakeChain.ts";
import { FakeTime, FakeTimers } from "../../support/fakeTime.ts";
import { ECHO, httpAt, SalServiceRig } from "../../support/salServiceRig.ts";
import {
  inspectionOf,
  ISSUED_AT,
  receipts,
  REQUEST,
  SERVICE_KEY,
  ServiceRig,
} from "../../support/serviceRig.ts";

const OWN = hexToBytes(SERVICE_KEY);
const OTHER = Buffer.alloc(32, 9);
const ASK: ExchangeProbe = { port: ECHO, send: "ask {r}\n", expect: "ask {r}\n" };
/** A limit that only a test ends. */
const LIMIT_MS = 7_777;

describe("inspect over the SAL", () => {
  const rig = new SalServiceRig();
  const upstream = new ServiceRig();
  let timers: FakeTimers;
  let drawn: Hex[];

  beforeEach(() => {
    timers = new FakeTimers();
    drawn = [];
  });
  afterEach(async () => {
    rig.close();
    await upstream.close();
  });

  function run(
    endpoint: string,
    over: Partial<Inspection> = {},
    signal = new AbortController().signal,
  ): Promise<Finding | undefined> {
    const time = new FakeTime(timers, DEPLOYMENT, 50);
    const nonce = () => {
      const next = bytesToHex(randomBytes(32));
      drawn.push(next);
      return next;
    };
    const inspection = inspectionOf(endpoint, { request: ASK, nonce, ...over });
    return inspect(inspection, { timers, receipts, time, sal: rig.parts }, signal);
  }

  async function expectFailed(failure: FailureClass, finding: Promise<Finding | undefined>) {
    const found = await finding;
    expect(found, found?.reason).to.include({ grade: 0, failure, transport: "sal" });
    expect(found?.receipt).to.equal(undefined);
    return found?.reason ?? "";
  }

  const handler = (answer: Buffer | string): Record<number, FlowHandler> => ({
    [ECHO]: (flow) => {
      flow.on("error", () => {});
      flow.once("data", () => flow.end(answer));
      return Promise.resolve();
    },
  });

  it("passes an exchange, and keeps the greeting's receipt over the auditor's own nonce", async () => {
    const finding = await run(await rig.serve());
    expect(finding, finding?.reason).to.deep.include({ grade: 3, transport: "sal" });
    const receipt = finding?.receipt ?? expect.fail("no receipt");
    expect(drawn).to.deep.equal([receipt.nonce]);
    expect(receipt.serviceId).to.equal(inspectionOf("sal://a:1").serviceId);
    expect(receipt.channel).to.match(/^0x[0-9a-f]{64}$/);
    expect(receipts.recover(receipt), "as a claim's contract recovers it").to.equal(
      addressOfKey(OWN),
    );
    expect(rig.connections).to.deep.equal([1]);
  });

  it("passes a service that speaks first, up to the last expected byte", async () => {
    const ports: Record<number, FlowHandler> = {
      22: (flow) => {
        flow.on("error", () => {});
        flow.write("SSH-2.0-OpenSSH_10.0\r\n");
        return Promise.resolve();
      },
    };
    const request: ExchangeProbe = { port: 22, expect: "SSH-2.0-" };
    const finding = await run(await rig.serve({ ports }), { request });
    expect(finding, finding?.reason).to.include({ grade: 3 });
  });

  it("makes HTTP probes over port 80, without a nonce in the request", async () => {
    const ports = { 80: httpAt(await upstream.serve({ body: "fine" })) };
    const finding = await run(await rig.serve({ ports }), { request: REQUEST });
    expect(finding, finding?.reason).to.include({ grade: 3, transport: "sal" });
    const [{ method, target, headers } = expect.fail("nobody asked")] = upstream.asked;
    expect({ method, target }).to.deep.equal({ method: "GET", target: REQUEST.path });
    expect(headers).not.to.have.property("service-nonce");
    expect(headers.host).to.equal(rawName(inspectionOf("sal://a:1").serviceId));
  });

  it("checks the response to an HTTP probe", async () => {
    const ports = { 80: httpAt(await upstream.serve({ status: 503 })) };
    await expectFailed("status", run(await rig.serve({ ports }), { request: REQUEST }));
  });

  for (const [what, request] of [
    ["an exchange", ASK],
    ["an HTTP probe", REQUEST],
  ] as const) {
    it(`lets the session of ${what} resume once before the response is read`, async () => {
      const ports = { 80: httpAt(await upstream.serve({ body: "fine" })), [ECHO]: echoOnce };
      const finding = await run(await rig.serve({ ports }), { request, resumes: true });
      expect(finding, finding?.reason).to.include({ grade: 3 });
      expect(rig.connections).to.deep.equal([2]);
      expect(new Set(drawn).size, "each link has a nonce of its own").to.equal(2);
      expect(finding?.receipt?.nonce, "of the first link").to.equal(drawn[0]);
    });
  }

  /** Answers at once: what was sent waits for the session's move. */
  const echoOnce: FlowHandler = (flow) => {
    flow.on("error", () => {});
    flow.once("data", (chunk: Buffer) => flow.write(chunk));
    return Promise.resolve();
  };

  it("fails a service whose sessions cannot move", async () => {
    rig.mostConnections = 1;
    const over = rig.limitOf(LIMIT_MS);
    rig.onConnection((count) => {
      if (count > 1) over();
    });
    const endpoint = await rig.serve();
    await expectFailed("timeout", run(endpoint, { resumes: true, timeMs: LIMIT_MS }));
  });

  it("fails other bytes, and too few", async () => {
    const other = await expectFailed("bytes", run(await rig.serve({ ports: handler("ask ?") })));
    expect(other).to.match(/another byte/);
    const few = await expectFailed("bytes", run(await rig.serve({ ports: handler("as") })));
    expect(few).to.match(/after 2 of 21/);
  });

  it("fails silence", async () => {
    const over = rig.limitOf(LIMIT_MS);
    const ports: Record<number, FlowHandler> = {
      [ECHO]: (flow) => {
        flow.on("error", () => {});
        flow.once("data", over);
        return Promise.resolve();
      },
    };
    await expectFailed("timeout", run(await rig.serve({ ports }), { timeMs: LIMIT_MS }));
  });

  it("takes the key of the epoch, which the newest one follows", async () => {
    expect(await run(await rig.serve({ keys: [OTHER, OWN] }))).to.include({ grade: 3 });
    const reason = await expectFailed("receipt", run(await rig.serve({ keys: [OTHER] })));
    expect(reason).to.match(/does not prove/);
    const newest = addressOfKey(OTHER);
    expect(await run(await rig.serve({ keys: [OTHER] }), { key: newest })).to.include({ grade: 3 });
  });

  it("fails a receipt that is dated outside the epoch", async () => {
    const issuedWithin = { from: ISSUED_AT + 1, to: ISSUED_AT + 2 };
    await expectFailed("receipt", run(await rig.serve(), { issuedWithin }));
  });

  it("fails where nothing listens, and at another service's endpoint", async () => {
    const endpoint = await rig.serve({ number: 8n });
    await expectFailed("unreachable", run(endpoint));
    rig.close();
    await expectFailed("unreachable", run(endpoint));
  });

  it("tries a service's other endpoints, as every session does", async () => {
    const dead = await rig.serve();
    rig.close();
    const approach = { transport: "sal", endpoints: [dead, await rig.serve()] } as const;
    const finding = await run(dead, { approach });
    expect(finding, finding?.reason).to.include({ grade: 3 });
    expect(new Set(drawn).size, "no two links have the same nonce").to.equal(drawn.length);
  });

  it("fails a port that the service does not offer, and an upstream that is down", async () => {
    const request = { ...ASK, port: 6 };
    await expectFailed("port", run(await rig.serve(), { request }));
    const ports: Record<number, FlowHandler> = {
      [ECHO]: () => Promise.reject(salError("upstream", "It is down.")),
    };
    await expectFailed("unreachable", run(await rig.serve({ ports })));
  });

  it("is a new client to a service that asks who its clients are", async () => {
    const seen: unknown[] = [];
    const ports: Record<number, FlowHandler> = {
      [ECHO]: (flow, { client }) => {
        seen.push(client);
        return echoOnce(flow, { address: "", client, hold: () => () => {} });
      },
    };
    const endpoint = await rig.serve({ ports, asksClient: true });
    for (let i = 0; i < 2; i++) expect(await run(endpoint)).to.include({ grade: 3 });
    expect(new Set(seen).size).to.equal(2);
    expect(seen).not.to.include(undefined);
  });

  it("says nothing about a service in a version of tomorrow", async () => {
    expect(await run(await rig.serveTomorrow())).to.equal(undefined);
  });

  for (const endpoint of [
    [
      "sal://169.254.169.254:443",
      "sal://[fd00::1]:443",
      "sal://10.0.0.1:443",
      "sal://127.0.0.1:25",
    ],
    ["sal://", "sal://a", "sal://a b:1", "sal://x:99999", "sal://0x0a.1:443", "sal://127.0.0.1:0"],
    [`sal://${"a".repeat(500)}:1`, "sal://user:pass@10.0.0.1:443", "sal://a..example:443"],
  ].flat()) {
    it(`gives a finding when the endpoint is ${endpoint.slice(0, 40)}`, async () => {
      const reason = await expectFailed("unreachable", run(endpoint));
      expect(reason.length).to.be.within(1, 200);
    });
  }

  it("ends with the caller's signal", async () => {
    const abort = new AbortController();
    const reason = new Error("over");
    const ports: Record<number, FlowHandler> = {
      [ECHO]: (flow) => {
        flow.on("error", () => {});
        flow.once("data", () => {
          abort.abort(reason);
        });
        return Promise.resolve();
      },
    };
    const failed = run(await rig.serve({ ports }), {}, abort.signal).then(
      () => expect.fail("it gave a finding"),
      (error: unknown) => error,
    );
    expect(await failed).to.equal(reason);
  });
});
