import { expect } from "chai";
import type { Socket } from "node:net";
import { deflateRawSync, gzipSync } from "node:zlib";
import type { FailureClass, Finding } from "../../../src/auditor/inspection/finding.ts";
import { inspect } from "../../../src/auditor/inspection/inspect.ts";
import type { Inspection } from "../../../src/auditor/inspection/inspection.ts";
import type { Resolve } from "../../../src/net/resolve.ts";
import { hexToBytes } from "../../../src/protocol/bytes.ts";
import type { HttpProbe } from "../../../src/protocol/probe.ts";
import { encodeReceipt } from "../../../src/protocol/receipt.ts";
import { rootServiceId } from "../../../src/protocol/serviceId.ts";
import { DEPLOYMENT } from "../../support/fakeChain.ts";
import { FakeTime, FakeTimers } from "../../support/fakeTime.ts";
import { ProviderRig } from "../../support/providerRig.ts";
import {
  inspectionOf,
  receipts,
  REQUEST,
  SERVICE_KEY,
  ServiceRig,
  type Script,
} from "../../support/serviceRig.ts";

const { signal } = new AbortController();
const OK = "HTTP/1.1 200 OK\r\n";
/** A name server that knows no host; these tests use no other one. */
const nobody: Resolve = async (hostname) => {
  throw new Error(`${hostname} does not exist`);
};

async function run(inspection: Inspection, resolve = nobody): Promise<Finding> {
  const timers = new FakeTimers();
  const time = new FakeTime(timers, DEPLOYMENT, 50);
  return (await inspect(inspection, { timers, receipts, time, resolve }, signal))!;
}

async function expectFailed(failure: FailureClass, finding: Promise<Finding>): Promise<string> {
  const { grade, receipt, failure: given, reason } = await finding;
  expect({ grade, receipt, failure: given }, reason).to.deep.equal({
    grade: 0,
    receipt: undefined,
    failure,
  });
  expect(reason).to.be.a("string").with.length.within(1, 200);
  return reason!;
}

describe("inspect: a hostile service leads to a finding, never to an error", () => {
  const rig = new ServiceRig();
  afterEach(() => rig.close());

  const repeat = (socket: Socket, first: string, then: string) => {
    socket.write(first);
    const more = () => {
      while (socket.writable && socket.write(then));
    };
    socket.on("drain", more);
    more();
  };
  const raw: [string, (socket: Socket) => void, FailureClass][] = [
    ["hangs up", (socket) => socket.end(), "unreachable"],
    ["resets", (socket) => socket.resetAndDestroy(), "unreachable"],
    ["talks garbage", (socket) => socket.end("\0\0\0"), "protocol"],
    [
      "speaks HTTP/1.0, and signs nothing",
      (socket) => socket.end("HTTP/1.0 200 OK\r\n\r\n"),
      "receipt_missing",
    ],
    ["sends a huge header", (socket) => socket.write(`${OK}x: ${"y".repeat(20_000)}`), "protocol"],
    [
      "sends headers without end",
      (socket) => {
        repeat(socket, OK, "x-a: b\r\n".repeat(1_000));
      },
      "protocol",
    ],
    [
      "sends interim answers without end",
      (socket) => {
        repeat(socket, "", "HTTP/1.1 100 Continue\r\n\r\n".repeat(100));
      },
      "protocol",
    ],
    ["breaks off", (socket) => socket.end(`${OK}content-length: 5\r\n\r\nab`), "unreachable"],
    [
      "sends a body without end",
      (socket) => {
        repeat(socket, `${OK}\r\n`, "x".repeat(65_536));
      },
      "too_large",
    ],
    [
      "sends trailers without end",
      (socket) => {
        const head = `${OK}transfer-encoding: chunked\r\n\r\n0\r\n`;
        repeat(socket, head, "service-receipt: a\r\n".repeat(1_000));
      },
      "protocol",
    ],
    [
      "sends a receipt of control characters",
      (socket) => socket.end(`${OK}service-receipt: \x80\xff\r\ncontent-length: 0\r\n\r\n`),
      "receipt",
    ],
    ["sends none", (socket) => socket.end(`${OK}content-length: 0\r\n\r\n`), "receipt_missing"],
    ["never answers", () => undefined, "timeout"],
    [
      "sends a body that trickles",
      (socket) => {
        socket.write(`${OK}\r\n`);
        const more = () => {
          if (socket.writable) socket.write("x", () => setImmediate(more));
        };
        more();
      },
      "timeout",
    ],
  ];
  for (const [what, answer, failure] of raw) {
    it(`when it ${what}`, async () => {
      const timeMs = failure === "timeout" ? 30 : 60_000;
      await expectFailed(failure, run(inspectionOf(await rig.listenRaw(answer), { timeMs })));
    });
  }

  for (const endpoint of [
    [
      "http://127.0.0.1:2",
      "https://127.0.0.1:2",
      "http://nobody.example",
      "https://xn--a.example",
      "http://xn--a",
    ],
    ["http://a..example", `http://${"a".repeat(300)}.example`],
  ].flat()) {
    it(`when no server listens at ${endpoint.slice(0, 40)}`, async () => {
      const { failure } = await run(inspectionOf(endpoint));
      expect(failure).to.be.oneOf(["unreachable", "refused"]);
    });
  }

  for (const endpoint of [
    ["http://10.0.0.1", "http://169.254.169.254", "http://[::1%25lo]", "http://[fd00::1]"],
    ["http://0x0a.1", "http://012.0.0.1", "http://2852039166", "http://[::ffff:10.0.0.1]"],
    ["ftp://a.example", "tcp://127.0.0.1:80", "http://", "http://a b", "http://x:99999", "", "%"],
    ["http://127.0.0.1:25", "http://127.0.0.1:22", "https://127.0.0.1:6667"],
    ["http://user:pass@10.0.0.1", "https://\u{1f600}@", "file:///etc/passwd"],
  ].flat()) {
    it(`when the endpoint is ${endpoint.slice(0, 40) || "nothing"}`, async () => {
      await expectFailed("refused", run(inspectionOf(endpoint)));
    });
  }

  it("when its name leads to a private address, however often it changes its mind", async () => {
    const endpoint = await rig.serve();
    const named = endpoint.replace("127.0.0.1", "rebound.example");
    const answers = [["10.0.0.1"], ["169.254.169.254", "::1"], ["127.0.0.1"]];
    const rebind: Resolve = async () =>
      answers.shift()!.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
    const at = (allowLoopback: boolean) => inspectionOf(named, { allowLoopback });
    await expectFailed("refused", run(at(false), rebind));
    await expectFailed("refused", run(at(false), rebind));
    expect(rig.asked, "no server was asked before").to.have.length(0);
    expect(await run(at(true), rebind)).to.include({ grade: 3 });
    expect(answers, "and each time the name was looked up once").to.have.length(0);
  });

  it("and says little about it", async () => {
    const reason = await expectFailed("refused", run(inspectionOf(`ftp://${"a".repeat(500)}`)));
    expect(reason.length).to.be.at.most(200);
  });

  describe("when its answer is", () => {
    async function against(script: Script, over: Partial<HttpProbe> = {}): Promise<Finding> {
      const endpoint = await rig.serve(script);
      return run(inspectionOf(endpoint, { request: { ...REQUEST, ...over } }));
    }

    // 32 MiB of zeros each, which must not be unpacked.
    const bombs = {
      gzip: gzipSync(Buffer.alloc(32 * 1024 * 1024)),
      deflate: deflateRawSync(Buffer.alloc(32 * 1024 * 1024)),
      br: Buffer.from("not even brotli"),
      "gzip, gzip": gzipSync(gzipSync(Buffer.alloc(32 * 1024 * 1024))),
    };
    for (const [coding, body] of Object.entries(bombs)) {
      it(`packed as ${coding}, though it was asked for plainly`, async () => {
        const finding = against({ body, headers: { "content-encoding": coding } });
        await expectFailed("encoding", finding);
      });
    }

    it("plain, it may say so", async () => {
      const headers = { "content-encoding": "Identity" };
      expect(await against({ body: "fine", headers })).to.include({ grade: 3 });
    });

    const jsons: [string, string][] = [
      ["nested as deep as it goes", `${"[".repeat(500_000)}${"]".repeat(500_000)}`],
      ["an object nested deep", `${'{"a":'.repeat(150_000)}1${"}".repeat(150_000)}`],
      ["a number of a million digits", "9".repeat(1_000_000)],
      ["a number beyond all numbers", '{"a":1e999}'],
      ["a prototype", '{"__proto__":{"a":1},"constructor":{"prototype":{"a":1}}}'],
      ["a million keys", `{${'"k":1,'.repeat(150_000)}"k":1}`],
      ["half of a character", '{"a":"\\ud800"}'],
    ];
    for (const [what, body] of jsons) {
      it(what, async () => {
        const json = [{ pointer: "/a/b", equals: 1 }];
        await expectFailed("json", against({ body }, { json }));
        expect(({} as { a?: unknown }).a, "and nothing was polluted").to.equal(undefined);
      });
    }
  });
});

describe("inspect: receipts that prove something else", () => {
  const rig = new ServiceRig();
  afterEach(() => rig.close());

  it("one of an earlier inspection proves nothing now", async () => {
    let first: string | undefined;
    const endpoint = await rig.serve(() => ({
      receipt: (honest) => {
        const sent = first ?? honest;
        first ??= encodeReceipt(honest);
        return sent;
      },
    }));
    expect(await run(inspectionOf(endpoint))).to.include({ grade: 3 });
    const again = run(inspectionOf(endpoint, { nonce: () => `0x${"b2".repeat(32)}` }));
    expect(await expectFailed("receipt", again)).to.contain("answers another nonce");
  });

  it("one that another service gave for the same nonce proves nothing here", async () => {
    const endpoint = await rig.serve({
      receipt: ({ signature: _, ...honest }) =>
        receipts.sign({ ...honest, serviceId: rootServiceId(8n) }, hexToBytes(SERVICE_KEY)),
    });
    const finding = run(inspectionOf(endpoint));
    expect(await expectFailed("receipt", finding)).to.contain("is of service 0x");
  });

  it("one that a middleman got for another path proves nothing", async () => {
    const honest = await rig.serve({ body: "fine" });
    const middleman = await rig.listen((request, response) => {
      void fetch(new URL("/cheap", honest), {
        headers: { "service-nonce": String(request.headers["service-nonce"]) },
      }).then(async (answer) => {
        const receipt = answer.headers.get("service-receipt") ?? "";
        response.setHeader("service-receipt", receipt).end(await answer.text());
      });
    });
    const finding = run(inspectionOf(middleman));
    expect(await expectFailed("receipt", finding)).to.contain(
      "is bound to another request or response",
    );
  });

  it("a key that is not the service's signs in vain", async () => {
    const endpoint = await rig.serve({ key: `0x${"66".repeat(32)}` });
    const finding = run(inspectionOf(endpoint));
    expect(await expectFailed("receipt", finding)).to.contain("is signed by");
  });
});

describe("inspect: redirects", () => {
  const rig = new ServiceRig();
  const hidden = new ProviderRig();
  afterEach(async () => {
    await rig.close();
    await hidden.close();
  });

  for (const status of [301, 302, 303, 307, 308]) {
    it(`go nowhere with ${status}, and are judged like any other status`, async () => {
      let connections = 0;
      const { url, server } = await hidden.upstream((_, response) => response.end());
      server.on("connection", () => connections++);
      for (const location of [
        url.href,
        `https://127.0.0.1:${url.port}/`,
        "http://169.254.169.254/latest/meta-data/",
        "//10.0.0.1/",
        "file:///etc/passwd",
        "/elsewhere",
      ]) {
        rig.asked.splice(0);
        const endpoint = await rig.serve({ status, headers: { location } });
        await expectFailed("status", run(inspectionOf(endpoint)));
        const wanted = { ...REQUEST, status };
        expect(await run(inspectionOf(endpoint, { request: wanted }))).to.include({ grade: 3 });
        expect(rig.asked, "each inspection asked once").to.have.length(2);
      }
      expect(connections).to.equal(0);
    });
  }
});

describe("inspect: an endpoint with a path", () => {
  const rig = new ServiceRig();
  afterEach(() => rig.close());

  async function targetAt(base: string, path: string): Promise<string | undefined> {
    rig.asked.splice(0);
    const endpoint = new URL(await rig.serve());
    const request = { ...REQUEST, path };
    const finding = await run(inspectionOf(`${endpoint.origin}${base}`, { request }));
    expect(finding.grade, finding.reason).to.equal(3);
    return rig.asked[0]?.target;
  }

  for (const [base, path, target] of [
    ["", "/health", "/health"],
    ["/", "/health", "/health"],
    ["/base", "/", "/base/"],
    ["/base", "/health?full=1", "/base/health?full=1"],
    ["/base/", "/health", "/base/health"],
    ["/a/b//", "/c", "/a/b/c"],
    ["/base", "/a/../b", "/base/b"],
    ["/base?key=1#x", "/health", "/base/health"],
    ["/base", "//evil.example/x", "/base//evil.example/x"],
    ["/base", "/\\evil.example", "/base//evil.example"],
  ] as const) {
    it(`${base || "none"} is asked for ${target} when the probe says ${path}`, async () => {
      expect(await targetAt(base, path)).to.equal(target);
    });
  }

  for (const path of [
    "/../x",
    "/a/../../x",
    "/%2e%2e/x",
    "/.%2E/x",
    "/..",
    "/..\\x",
    "/\\..\\..\\x",
  ]) {
    it(`is not left by ${path}`, async () => {
      const endpoint = await rig.serve();
      const request = { ...REQUEST, path };
      await expectFailed("refused", run(inspectionOf(`${endpoint}base`, { request })));
      expect(rig.asked).to.have.length(0);
    });
  }
});
