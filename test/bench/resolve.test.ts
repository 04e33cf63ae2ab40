import { expect } from "chai";
import { median, quantile, quantiles } from "../../bench/quantiles.ts";
import { outcomeOf, type Results } from "../../bench/resolve.ts";
import { parseLatencies, parseRate } from "../../bench/resolve/dnsLoad.ts";
import { answers, startDnsPeer, versionOf } from "../../bench/resolve/dnsPeers.ts";
import type { HttpResult } from "../../bench/resolve/httpLoad.ts";
import { alternately, medianRatio } from "../../bench/rounds.ts";
import {
  addressOf,
  domain,
  endpointRecord,
  keyOf,
  nameOf,
  numberOf,
  syntheticDirectory,
} from "../../bench/resolve/services.ts";
import { Worker } from "../../bench/resolve/worker.ts";
import { toText } from "../../bench/report.ts";
import { checkRecord } from "../../src/protocol/checkRecord.ts";
import { parseName } from "../../src/protocol/name.ts";
import { signRecord } from "../../src/protocol/record.ts";

const dnsperfOutput = (codes: string, completed: string) => `Statistics:

  Queries sent:         386324
  Queries completed:    386324 (${completed}%)
  Response codes:       ${codes}
  Queries per second:   128600.712769
`;

describe("figures of a benchmark", () => {
  it("are quantiles by nearest rank", () => {
    const figures = Array.from({ length: 200 }, (_, index) => 200 - index);
    expect(quantiles(figures)).to.deep.equal({ p50: 100, p99: 198, max: 200 });
    expect(median([3, 1, 2])).to.equal(2);
    expect(quantile([], 0.5)).to.be.NaN;
  });

  it("come in turn, every other round the other way round, and compare within a round", async () => {
    const order: string[] = [];
    const measure = (name: string, figures: number[]) => () => {
      order.push(name);
      return Promise.resolve(figures.shift()!);
    };
    const figures = await alternately(3, {
      ours: measure("ours", [10, 50, 90]),
      theirs: measure("theirs", [20, 50, 100]),
    });
    expect(order).to.deep.equal(["ours", "theirs", "theirs", "ours", "ours", "theirs"]);
    expect(medianRatio(figures.ours, figures.theirs)).to.equal(0.9);
  });
});

describe("what dnsperf says", () => {
  it("counts when all answers were good", () => {
    const output = dnsperfOutput("NOERROR 386324 (100.00%)", "100.00");
    expect(parseRate(output)).to.equal(128600.712769);
  });

  for (const [what, output] of Object.entries({
    "other codes": dnsperfOutput("NOERROR 300 (99.00%), NXDOMAIN 3 (1.00%)", "100.00"),
    "lost questions": dnsperfOutput("NOERROR 386324 (100.00%)", "98.99"),
    nothing: "",
  })) {
    it(`is an error for ${what}`, () => {
      expect(() => parseRate(output)).to.throw("dnsperf");
    });
  }

  it("gives the time of each good answer in milliseconds", () => {
    const output = "> NOERROR s1.bloc.alt A 0.000183\n> T s2.bloc.alt A 5.000000\n[Status] Ended\n";
    expect(parseLatencies(output)).to.deep.equal([0.183]);
  });
});

describe("synthetic services", () => {
  it("have records that hold against their keys", () => {
    for (const number of [1, 64, 99_999]) {
      const issuedAt = 1_700_000_000_000;
      const record = endpointRecord(number, { issuedAt, leaseMs: 60_000 });
      const { key, address: rootKey } = keyOf(number);
      const encoded = signRecord(record, domain, key);
      const checked = checkRecord(encoded, { domain, now: issuedAt, rootKey });
      expect(numberOf(checked.record.serviceId)).to.equal(number);
      expect(checked.signer).to.equal(rootKey);
    }
  });

  it("have a label each, and addresses of the network that is kept for benchmarks", async () => {
    const directory = syntheticDirectory(10);
    const name = parseName(nameOf(10));
    expect(name).to.deep.equal({ kind: "label", label: "s10" });
    expect(await directory.numberOf("s10")).to.equal(10n);
    expect(await directory.numberOf("s11")).to.equal(undefined);
    expect(await directory.rootKey(11n)).to.equal(undefined);
    expect([1, 65_536, 131_073].map(addressOf)).to.deep.equal([
      ...["11.0.0.1", "11.1.0.0", "11.0.0.1"],
    ]);
    expect(
      new Set(Array.from({ length: 100_000 }, (_, number) => addressOf(number))).size,
    ).to.equal(100_000);
  });
});

describe("processes of a benchmark", () => {
  it("answer calls, say what failed, and end when they are stopped", async () => {
    const [plain, load] = [new Worker("plainServers.ts"), new Worker("httpLoad.ts")];
    const heldServer = new Worker("plainServers.ts");
    try {
      const port = await plain.call<number>("http", '{"endpoints":[]}');
      const options = { port, paths: ["/a", "/b"], connections: 2, milliseconds: 50 };
      const { perSecond, latencies } = await load.call<HttpResult>("run", options);
      expect(latencies.length).to.be.above(0);
      expect(perSecond).to.be.above(0);

      const held = await heldServer.call<number>("held", { port, paths: ["/a", "/b"] });
      const bodies = await Promise.all(
        ["/a", "/c"].map(async (path) => (await fetch(`http://127.0.0.1:${held}${path}`)).text()),
      );
      expect(bodies).to.deep.equal(['{"endpoints":[]}', ""]);

      await plain.stop();
      const failure = await load.call("run", options).catch((error: unknown) => error);
      expect(String(failure)).to.contain("httpLoad.ts").and.contain("ECONNREFUSED");
    } finally {
      await Promise.all([plain.stop(), load.stop(), heldServer.stop()]);
    }
  });

  it("fail the calls that wait when they end", async () => {
    const load = new Worker("httpLoad.ts");
    const waiting = load.call("run", { port: 1, paths: [], connections: 0, milliseconds: 0 });
    await load.stop();
    expect(String(await waiting.catch((error: unknown) => error))).to.contain("ended early");
  });
});

describe("name servers beside ours", () => {
  it("are left out where they are not installed", async () => {
    expect(versionOf("no-such-name-server", "-v")).to.equal(undefined);
    expect(await startDnsPeer("no-such-name-server", 3)).to.equal(undefined);
  });

  for (const [name, flag] of [
    ["unbound", "-V"],
    ["dnsmasq", "-v"],
  ] as const) {
    it(`${name} serves the synthetic names`, async function () {
      if (versionOf(name, flag) === undefined) this.skip();
      const peer = await startDnsPeer(name, 3);
      try {
        await answers(peer!.port, nameOf(2));
      } finally {
        await peer?.stop();
      }
    });
  }
});

describe("the resolver's benchmark", () => {
  const latencyMs = { p50: 1, p99: 2, max: 3 };
  const results: Results = {
    setting: ["a note"],
    load: 0.5,
    inProcess: {
      ...{ services: 100_000, byId: 1_000_000, byFreshId: 1, byName: 2, mapAlone: 3, filled: 4 },
      memory: { bytes: 10, bytesPerService: 5, bytesPer100000: 500_000 },
    },
    table: { prefixes: 100_000, hits: 6, random: 7, bytesPerPrefix: 8 },
    dns: {
      settings: { services: 1, rounds: 1, seconds: 1, clients: 1, quietPerSecond: 1 },
      skipped: undefined,
      servers: [{ name: "DNS front", about: "ours", perSecond: 80, latencyMs }],
      missing: ["unbound"],
      ours: { dnsmasq: 0.79 },
      ofDnsmasq: { "DNS front": 0.79 },
    },
    http: {
      settings: { rounds: 1, seconds: 1, connections: 1 },
      servers: [{ name: "HTTP front", perSecond: 9, latencyMs }],
      ...{ bodyBytes: 100, oursVsPlain: 0.5, oursVsHeld: 0.8, twoVsOne: 1 },
    },
    network: {
      settings: { nodes: 8, moves: 200, services: 1, gapMs: 1, coldLookups: 1 },
      ...{ allMs: latencyMs, eachMs: latencyMs, missed: 0, coldMs: latencyMs, peers: [7] },
    },
  };

  it("has the project's targets by their names", () => {
    const { targets } = outcomeOf(results);
    expect(targets.map(({ name, limit, ok }) => ({ name, limit, ok }))).to.deep.equal([
      { name: "lookupsPerSecond", limit: 1_000_000, ok: true },
      { name: "propagationP99Ms", limit: 250, ok: true },
      { name: "httpVsPlain", limit: 0.7, ok: false },
      { name: "dnsVsDnsmasq", limit: 0.8, ok: false },
    ]);
  });

  it("says which server is not installed, and judges nothing without dnsmasq", () => {
    const without = { ...results, dns: { ...results.dns, missing: ["dnsmasq"], ours: {} } };
    const outcome = outcomeOf(without);
    expect(outcome.targets.map(({ name }) => name)).not.to.include("dnsVsDnsmasq");
    expect(toText(outcome)).to.match(/^dnsmasq +not installed/m);
  });
});
