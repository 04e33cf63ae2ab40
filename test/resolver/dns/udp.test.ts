import { expect } from "chai";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { ZoneLookup } from "../../../src/resolver/dns/zoneLookup.ts";
import { Hosts } from "../../../src/resolver/dns/hosts.ts";
import { Responder } from "../../../src/resolver/dns/responder.ts";
import type { Allowance } from "../../../src/resolver/dns/responseRate.ts";
import { Tally } from "../../../src/resolver/dns/tally.ts";
import { UdpServer } from "../../../src/resolver/dns/udp.ts";
import { decode, queryFor } from "../../support/dnsRig.ts";
import { answerOf, FakeResolver } from "../../support/fakeResolver.ts";
import { FakeTimers } from "../../support/fakeTime.ts";
import { MemoryLog } from "../../support/memoryLog.ts";

/** Networks are limited, loopback is not, so the test sets the allowed rate itself. */
describe("UdpServer", () => {
  const timers = new FakeTimers();
  const counted: string[] = [];
  let allowances: Allowance[];
  let server: UdpServer;
  let tally: Tally;
  let client: Socket;

  beforeEach(async () => {
    const log = new MemoryLog();
    const resolver = new FakeResolver();
    resolver.set("weather.bloc.alt", answerOf(7n));
    const hosts = new Hosts(
      { keepMs: 1, maxHosts: 1, maxPending: 1, timeMs: 1 },
      { resolve: async () => [], timers },
    );
    const zoneLookup = new ZoneLookup(
      { maxTtlSeconds: 30, negativeTtlSeconds: 5, lookupMs: 4_000 },
      { resolver, timers, hosts, allowLoopback: false, onFault: expect.fail },
    );
    const responder = new Responder(
      { keepMs: 1_000, keepVaryingMs: 1_000, maxAnswers: 10, maxPending: 10, seed: 1 },
      { resolver, zoneLookup, now: () => 1_700_000_000_000, timers },
    );
    counted.length = 0;
    tally = new Tally(
      {
        answered: (_, rcode, count) => counted.push(`${rcode} ${count}`),
        took: () => {},
        limited: (outcome, count) => counted.push(`${outcome} ${count}`),
        connections: () => {},
      },
      timers,
    );
    const rate = { take: () => allowances.shift() ?? "full" };
    server = new UdpServer({ host: "127.0.0.1", port: 0 }, { responder, rate, tally, timers, log });
    await server.start();
    client = createSocket("udp4");
    client.connect(server.address.port, "127.0.0.1");
    await once(client, "connect");
  });
  afterEach(async () => {
    client.close();
    await server.stop();
  });

  it("above a network's rate sends clients to TCP, in as few bytes as it was asked, or is silent", async () => {
    allowances = ["truncated", "none", "truncated", "full"];
    const query = queryFor({ id: 1, rrtype: "TXT" });
    const broken = queryFor({ id: 3 }).subarray(0, 20);
    const answers: Buffer[] = [];
    const done = new Promise<void>((resolve) => {
      client.on("message", (message) => {
        answers.push(message);
        if (message.readUInt16BE() === 4) resolve();
      });
    });
    for (const packet of [query, queryFor({ id: 2 }), broken, queryFor({ id: 4 })]) {
      client.send(packet);
    }
    await done;
    const [first, last] = answers.map((answer) => decode(answer));
    expect(answers.length).to.equal(2);
    expect(answers[0]?.length).to.equal(query.length);
    expect([first?.id, first?.flag_tc, first?.rcode, first?.answers]).to.deep.equal([
      ...[1, true, "NOERROR"],
      [],
    ]);
    // glibc goes to the next server, and never to TCP, if an empty answer is not authoritative.
    expect(first?.flag_aa).to.equal(true);
    expect([last?.id, last?.flag_tc]).to.deep.equal([4, false]);
    tally.stop();
    expect(counted).to.deep.equal(["NOERROR 2", "truncated 1", "dropped 2"]);
  });

  it("claims authority in a truncated answer for its own zone only", async () => {
    for (const [name, isOurs] of [
      ["weather.bloc.alt", true],
      ["BLOC.alt", true],
      ["bloc.alt.example", false],
      ["xbloc.alt", false],
      ["alt", false],
    ] as const) {
      allowances = ["truncated"];
      const answered = once(client, "message") as Promise<[Buffer]>;
      client.send(queryFor({ id: 1, name }));
      const { flag_aa, flag_tc } = decode((await answered)[0]);
      expect([flag_aa, flag_tc], name).to.deep.equal([isOurs, true]);
    }
  });
});
