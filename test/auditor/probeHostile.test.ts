import { expect } from "chai";
import type { Socket } from "node:net";
import type { Finding } from "../../src/auditor/finding.ts";
import { inspect, type Inspection } from "../../src/auditor/probe.ts";
import { FakeTimers } from "../support/fakeTime.ts";
import { inspectionOf, receipts, ServiceRig } from "../support/serviceRig.ts";

const { signal } = new AbortController();

describe("inspect: a hostile service leads to a finding, never to an error", () => {
  const rig = new ServiceRig();
  afterEach(() => rig.close());

  function run(inspection: Inspection): Promise<Finding> {
    return inspect(inspection, { timers: new FakeTimers(), receipts }, signal);
  }

  async function expectFailed(reason: RegExp, finding: Promise<Finding>): Promise<void> {
    const { grade, receipt, reason: given } = await finding;
    expect(grade).to.equal(0);
    expect(receipt).to.equal(undefined);
    expect(given).to.match(reason);
  }

  const OK = "HTTP/1.1 200 OK\r\n";
  const raw: [string, (socket: Socket) => void, RegExp][] = [
    ["hangs up", (socket) => socket.end(), /request failed/],
    ["resets", (socket) => socket.resetAndDestroy(), /request failed/],
    ["talks garbage", (socket) => socket.end("\0\0\0"), /request failed/],
    ["sends huge headers", (socket) => socket.write(`${OK}x: ${"y".repeat(20_000)}`), /failed/],
    ["breaks off", (socket) => socket.end(`${OK}content-length: 5\r\n\r\nab`), /answer broke off/],
    [
      "sends a body without end",
      (socket) => {
        socket.write(`${OK}\r\n`);
        const more = () => {
          while (socket.writable && socket.write("x".repeat(65_536)));
        };
        socket.on("drain", more);
        more();
      },
      /Over 1048576 bytes/,
    ],
    [
      "sends a receipt of control characters",
      (socket) => socket.end(`${OK}service-receipt: \x80\xff\r\ncontent-length: 0\r\n\r\n`),
      /Not a service receipt/,
    ],
    [
      "sends a body that trickles",
      (socket) => {
        socket.write(`${OK}\r\n`);
        const more = () => {
          if (socket.writable) socket.write("x", () => setImmediate(more));
        };
        more();
      },
      /No answer in 30 ms/,
    ],
  ];
  for (const [what, answer, reason] of raw) {
    it(`when it ${what}`, async () => {
      const timeMs = what.includes("trickles") ? 30 : 60_000;
      await expectFailed(reason, run(inspectionOf(await rig.listenRaw(answer), { timeMs })));
    });
  }

  for (const endpoint of [
    ["http://127.0.0.1:1", "https://127.0.0.1:1", "http://10.0.0.1", "http://[::1%25lo]"],
    ["sal://a.example", "tcp://127.0.0.1:80", "http://", "http://a b", "http://x:99999", "", "%"],
    ["http://a..example", `http://${"a".repeat(300)}.example`, "http://user:pass@10.0.0.1"],
    ["http://xn--a", "https://\u{1f600}", "file:///etc/passwd"],
  ].flat()) {
    it(`when the endpoint is ${endpoint.slice(0, 40) || "nothing"}`, async () => {
      await expectFailed(/./, run(inspectionOf(endpoint)));
    });
  }

  it("and says little about it", async () => {
    const finding = await run(inspectionOf(`sal://${"a".repeat(500)}`));
    expect(finding.reason).to.have.length.at.most(200);
  });
});
