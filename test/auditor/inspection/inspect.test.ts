import { expect } from "chai";
import { createHash } from "node:crypto";
import { gradeOf, inspect, medianGrade } from "../../../src/auditor/inspection/inspect.ts";
import type { Inspection } from "../../../src/auditor/inspection/inspection.ts";
import type { Finding } from "../../../src/auditor/inspection/finding.ts";
import { hexToBytes } from "../../../src/protocol/bytes.ts";
import type { HttpProbe, JsonCheck } from "../../../src/protocol/probe.ts";
import type { decodeReceipt } from "../../../src/protocol/receipt.ts";
import { encodeReceipt } from "../../../src/protocol/receipt.ts";
import { rootServiceId } from "../../../src/protocol/serviceId.ts";
import type { Grade } from "../../../src/protocol/tally.ts";
import { DEPLOYMENT } from "../../support/fakeChain.ts";
import { FakeTime, FakeTimers } from "../../support/fakeTime.ts";
import { failureOf } from "../../support/httpClient.ts";
import {
  inspectionOf,
  ISSUED_AT,
  receipts,
  REQUEST,
  SERVICE_KEY,
  ServiceRig,
  type Script,
} from "../../support/serviceRig.ts";

const EPOCH = 50;
const sha = (text: string) => createHash("sha256").update(text).digest("hex");

describe("inspect", () => {
  const rig = new ServiceRig();
  let timers: FakeTimers;
  let time: FakeTime;

  beforeEach(() => {
    timers = new FakeTimers();
    time = new FakeTime(timers, DEPLOYMENT, EPOCH);
  });
  afterEach(() => rig.close());

  async function run(
    inspection: Inspection,
    signal = new AbortController().signal,
  ): Promise<Finding> {
    return (await inspect(inspection, { timers, receipts, time }, signal))!;
  }

  async function against(
    script: Script,
    request: Partial<HttpProbe> = {},
    over: Partial<Inspection> = {},
  ): Promise<Finding> {
    const inspection = inspectionOf(await rig.serve(script), over);
    return run({ ...inspection, request: { ...REQUEST, ...request } });
  }

  async function expectFailed(reason: string | RegExp, finding: Promise<Finding>): Promise<void> {
    const { grade, receipt, reason: given } = await finding;
    expect(grade).to.equal(0);
    expect(receipt).to.equal(undefined);
    expect(given).to.match(typeof reason === "string" ? new RegExp(`^${reason}$`) : reason);
  }

  it("grades a good answer EXCELLENT, and keeps its receipt", async () => {
    const finding = await against({ body: "fine" });
    expect(finding).to.include({ grade: 3, elapsedMs: 0, transport: "http" });
    expect(finding.reason).to.equal(undefined);
    expect(receipts.recover(finding.receipt!)).to.equal(inspectionOf("http://a").key);
  });

  it("asks as any client would: the probe's request, a nonce, no coding", async () => {
    const request = { method: "POST", path: "/rpc", body: "{}", headers: { "x-a": "b" } } as const;
    const nonce = `0x${"0c".repeat(32)}` as const;
    expect((await against({}, request, { nonce: () => nonce })).grade).to.equal(3);
    const [{ method, target, headers } = expect.fail()] = rig.asked;
    expect({ method, target }).to.deep.equal({ method: "POST", target: "/rpc" });
    expect(headers).to.include({
      "x-a": "b",
      "content-length": "2",
      "accept-encoding": "identity",
      "service-nonce": nonce,
    });
  });

  it("lets no probe replace the nonce or ask for a coding", async () => {
    const headers = { "service-nonce": "0x", "accept-encoding": "br", "content-length": "7" };
    expect((await against({ body: "fine" }, { headers })).grade).to.equal(3);
  });

  for (const path of [
    "//evil.example/x",
    "/\\evil.example",
    "/a//b/../c?d=e f".replace(" ", "+"),
  ]) {
    it(`asks the endpoint that was published for ${path}`, async () => {
      expect((await against({}, { path })).grade).to.equal(3);
      expect(rig.asked).to.have.length(1);
    });
  }

  it("takes the receipt from the trailer", async () => {
    expect((await against({ body: "late", inTrailer: true })).grade).to.equal(3);
  });

  describe("the time to the last byte", () => {
    for (const [ms, grade] of [
      [500, 3],
      [501, 2],
      [2_000, 2],
      [2_001, 1],
      [10_000, 1],
    ] as const) {
      it(`is worth ${grade} at ${ms} ms`, async () => {
        const finding = await against({
          before: () => {
            timers.pass(ms);
          },
        });
        expect(finding).to.include({ grade, elapsedMs: ms });
      });
    }

    it("is worth nothing above the last bound, though the answer is good", async () => {
      const finding = await against({
        before: () => {
          timers.pass(10_001);
        },
      });
      expect(finding).to.include({ grade: 0, elapsedMs: 10_001 });
      expect(finding.receipt, "FAILED carries no receipt").to.equal(undefined);
      expect(finding.reason).to.contain("10001 ms");
    });

    it("is bounded by the class and by the epoch, whichever ends first", async () => {
      const endpoint = await rig.listen(() => {});
      const bounds = { excellentMs: 1, goodMs: 2, poorMs: 3 };
      await expectFailed(/No response in 3 ms/, run(inspectionOf(endpoint, { bounds })));
      await expectFailed(/No response in 4 ms/, run(inspectionOf(endpoint, { timeMs: 4 })));
    });
  });

  describe("the answer", () => {
    it("fails with another status", async () => {
      await expectFailed("status 503 instead of 200", against({ status: 503 }));
      expect((await against({ status: 404 }, { status: 404 })).grade).to.equal(3);
    });

    it("fails with another body", async () => {
      const request = { sha256: sha("right") };
      expect((await against({ body: "right" }, request)).grade).to.equal(3);
      await expectFailed("an unexpected body", against({ body: "wrong" }, request));
      await expectFailed("an unexpected body", against({ body: "right\n" }, request));
    });

    it("fails with a body that is not JSON", async () => {
      for (const body of ["", "{", "nothing", '{"a":1}x', "[".repeat(100_000)]) {
        await expectFailed("no JSON", against({ body }, { json: [{ pointer: "" }] }));
      }
    });

    const json = {
      result: "0x1f",
      list: [10, { deep: null }],
      "a/b": { "~": true },
      "": "empty",
      empty: "0x",
    };
    const good: JsonCheck[] = [
      { pointer: "" },
      { pointer: "", type: "object" },
      { pointer: "/result", type: "string", hex: true },
      { pointer: "/result", equals: "0x1f" },
      { pointer: "/list", type: "array" },
      { pointer: "/list/0", type: "number", equals: 10 },
      { pointer: "/list/1/deep", type: "null", equals: null },
      { pointer: "/a~1b/~0", type: "boolean", equals: true },
      { pointer: "/", equals: "empty" },
    ];
    const bad: JsonCheck[] = [
      { pointer: "/missing" },
      { pointer: "/result/0" },
      { pointer: "/list/2" },
      { pointer: "/list/00" },
      { pointer: "/list/-" },
      { pointer: "/list/0", equals: "10" },
      { pointer: "/list", type: "object" },
      { pointer: "/list/1/deep", type: "object" },
      { pointer: "/empty", hex: true },
      { pointer: "/list/0", hex: true },
      { pointer: "/a/b" },
      { pointer: "/__proto__" },
      { pointer: "/constructor" },
      { pointer: "/list/map" },
      { pointer: "/result", equals: "0x1F" },
    ];
    it("passes the checks of its JSON that hold", async () => {
      for (const check of good) {
        const finding = await against({ body: JSON.stringify(json) }, { json: [check] });
        expect(finding.grade, JSON.stringify(check)).to.equal(3);
      }
      expect((await against({ body: JSON.stringify(json) }, { json: good })).grade).to.equal(3);
    });
    for (const check of bad) {
      it(`fails the check ${JSON.stringify(check)}`, async () => {
        const body = JSON.stringify(json);
        const finding = against({ body }, { json: [{ pointer: "/result" }, check] });
        await expectFailed(`unexpected JSON at "${check.pointer}"`, finding);
      });
    }
  });

  describe("the receipt", () => {
    const changed: [string, NonNullable<Script["receipt"]>, string | RegExp][] = [
      ["is missing", () => undefined, "no receipt"],
      ["is no receipt", () => "abc", /^Not a service receipt/],
      [
        "stands there twice",
        (honest) => `${encodeReceipt(honest)}, ${encodeReceipt(honest)}`,
        /^Not a service receipt/,
      ],
      [
        "is of another service",
        (honest) => resign({ ...honest, serviceId: rootServiceId(8n) }),
        /^The receipt is of service 0x0{15}8/,
      ],
      [
        "is for another nonce",
        (honest) => resign({ ...honest, nonce: `0x${"bb".repeat(32)}` }),
        /another nonce/,
      ],
      [
        "is for another answer",
        (honest) => resign({ ...honest, channel: `0x${"cc".repeat(32)}` }),
        /another request or response/,
      ],
      [
        "is dated before the epoch",
        (honest) => resign({ ...honest, issuedAt: BigInt(ISSUED_AT - 1_001) }),
        /is dated \d+ ms/,
      ],
      [
        "is dated after the epoch",
        (honest) => resign({ ...honest, issuedAt: BigInt(ISSUED_AT + 1_000) }),
        /is dated \d+ ms/,
      ],
      [
        "was changed after it was signed",
        (honest) => ({ ...honest, issuedAt: honest.issuedAt + 1n }),
        /is signed by/,
      ],
      [
        "has no signature",
        (honest) => ({ ...honest, signature: `0x${"00".repeat(65)}` }),
        /is signed by/,
      ],
    ];
    for (const [what, receipt, reason] of changed) {
      it(`fails when it ${what}`, async () => {
        await expectFailed(reason, against({ body: "fine", receipt }));
      });
    }

    it("fails when another key signed it", async () => {
      await expectFailed(/is signed by/, against({ key: `0x${"66".repeat(32)}` }));
    });

    it("counts from the first millisecond to the last", async () => {
      for (const issuedAt of [BigInt(ISSUED_AT - 1_000), BigInt(ISSUED_AT + 999)]) {
        const finding = await against({ receipt: (honest) => resign({ ...honest, issuedAt }) });
        expect(finding.grade).to.equal(3);
      }
    });

    it("binds a wrong answer to nothing: the answer is judged first", async () => {
      await expectFailed("status 500 instead of 200", against({ status: 500, receipt: () => "x" }));
    });

    function resign(receipt: ReturnType<typeof decodeReceipt>) {
      const { signature: _, ...fields } = receipt;
      return receipts.sign(fields, hexToBytes(SERVICE_KEY));
    }
  });

  it("sends no password that a provider hid in its endpoint", async () => {
    const endpoint = (await rig.serve()).replace("http://", "http://user:secret@");
    expect((await run(inspectionOf(endpoint))).grade).to.equal(3);
    expect(rig.asked[0]?.headers).not.to.have.property("authorization");
  });

  it("reaches no loopback service without the devnet switch", async () => {
    const endpoint = await rig.serve();
    await expectFailed(/Not connecting/, run(inspectionOf(endpoint, { allowLoopback: false })));
    expect(rig.asked).to.have.length(0);
  });

  it("ends without a finding when it is aborted: nothing is known of the service", async () => {
    const abort = new AbortController();
    const reason = new Error("stopping");
    const endpoint = await rig.listen(() => {
      abort.abort(reason);
    });
    expect(await failureOf(run(inspectionOf(endpoint), abort.signal))).to.equal(reason);
  });
});

describe("gradeOf", () => {
  it("counts each bound in", () => {
    const bounds = { excellentMs: 500, goodMs: 2_000, poorMs: 10_000 };
    const grades = [0, 500, 500.001, 2_000, 2_000.001, 10_000, 10_000.001, Infinity];
    expect(grades.map((ms) => gradeOf(ms, bounds))).to.deep.equal([3, 3, 2, 2, 1, 1, 0, 0]);
  });
});

describe("medianGrade", () => {
  const median = (...grades: Grade[]) =>
    medianGrade(grades.map((grade) => ({ grade, elapsedMs: 0 })));

  it("is the middle one, in whichever order they came", () => {
    expect(median(3, 0, 1)).to.equal(1);
    expect(median(0, 3, 3)).to.equal(3);
    expect(median(0, 0, 3)).to.equal(0);
    expect(median(2, 2, 2)).to.equal(2);
    expect(median(1, 3, 2)).to.equal(2);
  });

  it("is the lower one of two, and FAILED of none", () => {
    expect(median(1, 3)).to.equal(1);
    expect(median()).to.equal(0);
  });
});
