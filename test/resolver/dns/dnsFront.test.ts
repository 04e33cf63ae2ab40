import { expect } from "chai";
import { rootServiceId } from "../../../src/protocol/serviceId.ts";
import { resolveErrors } from "../../../src/resolver/answer.ts";
import { dataOf, decode, DnsRig, framed, queryFor, rcodeOf } from "../../support/dnsRig.ts";
import { answerOf } from "../../support/fakeResolver.ts";

const NAME = "weather.bloc.alt";
const at = (address: string) => ({
  endpoints: [{ uri: `https://${address}/`, priority: 0, weight: 1 }],
});

describe("DnsFront", () => {
  let rig: DnsRig;

  beforeEach(async () => {
    rig = new DnsRig();
    rig.resolver.set(NAME, answerOf(7n, at("8.8.8.8")));
    await rig.start();
  });
  afterEach(() => rig.stop());

  it("answers as an authority, in the letters that it was asked in", async () => {
    const answer = await rig.ask({ name: "wEaTHer.BLOC.aLt", id: 0xbeef });
    expect(answer.id).to.equal(0xbeef);
    expect([answer.flag_qr, answer.flag_aa, answer.flag_rd, answer.flag_ra]).to.deep.equal([
      true,
      true,
      true,
      false,
    ]);
    expect(answer.questions?.[0]?.name).to.equal("wEaTHer.BLOC.aLt");
    expect(answer.answers?.[0]).to.include({ name: "wEaTHer.BLOC.aLt", data: "8.8.8.8", ttl: 30 });
    const again = await rig.ask({ flags: 0 });
    expect([again.flag_rd, again.questions?.[0]?.name]).to.deep.equal([false, NAME]);
  });

  it("answers the same under bloc.internal, with all its names in that zone", async () => {
    const internal = "weather.bloc.internal";
    const answer = await rig.ask({ name: "WEATHER.bloc.Internal" });
    expect(answer.flag_aa).to.equal(true);
    expect(answer.answers?.[0]).to.include({ name: "WEATHER.bloc.Internal", data: "8.8.8.8" });
    const srv = await rig.ask({ name: `_https._tcp.${internal}`, rrtype: "SRV" });
    const [{ target = "" } = {}] = dataOf(srv, "SRV") as { target?: string }[];
    expect(target).to.match(/^ip-8-8-8-8\.[a-z2-7]{52}\.id\.bloc\.internal$/);
    expect(dataOf(await rig.ask({ name: target }), "A")).to.deep.equal(["8.8.8.8"]);
    const none = await rig.ask({ name: "a.b.c.bloc.internal" });
    expect(none.rcode).to.equal("NXDOMAIN");
    expect(none.authorities?.[0]).to.include({ name: "bloc.internal", type: "SOA" });
    expect((await rig.ask({ name: "host.internal" })).rcode).to.equal("REFUSED");
  });

  it("keeps an answer for half a minute at most, and for one what asking again may change", async () => {
    const asked = async (name: string) => {
      const before = rig.resolver.asked.length;
      await rig.ask({ name });
      return rig.resolver.asked.length - before;
    };
    rig.hosts = { "a.example.com": ["8.8.8.8"] };
    const endpoints = (...uris: string[]) => ({
      endpoints: uris.map((uri) => ({ uri, priority: 0, weight: 1 })),
    });
    rig.resolver.set(
      "two.bloc.alt",
      answerOf(8n, endpoints("https://8.8.8.8/", "https://9.9.9.9/")),
    );
    rig.resolver.set("host.bloc.alt", answerOf(9n, endpoints("https://a.example.com/")));
    const names = [NAME, "two.bloc.alt", "host.bloc.alt"];
    const all = async () => [
      await asked(names[0]!),
      await asked(names[1]!),
      await asked(names[2]!),
    ];
    expect(await all()).to.deep.equal([1, 1, 1]);
    await rig.timers.advance(499);
    expect(await all()).to.deep.equal([0, 0, 0]);
    await rig.timers.advance(501);
    expect(await all()).to.deep.equal([0, 1, 1]);
    await rig.timers.advance(13_999);
    expect(await all()).to.deep.equal([0, 1, 1]);
    await rig.timers.advance(15_001);
    expect(await all()).to.deep.equal([1, 1, 1]);
  });

  it("follows a move at once", async () => {
    expect(dataOf(await rig.ask(), "A")).to.deep.equal(["8.8.8.8"]);
    rig.resolver.set(NAME, answerOf(7n, at("9.9.9.9")));
    expect(dataOf(await rig.ask(), "A")).to.deep.equal(["9.9.9.9"]);
    rig.resolver.fail(NAME, resolveErrors.inactive, rootServiceId(7n));
    expect(dataOf(await rig.ask(), "A")).to.deep.equal([]);
  });

  it("keeps nothing that was under way when the service moved", async () => {
    const { promise, resolve: open } = Promise.withResolvers<undefined>();
    rig.hosts = { "old.example.com": ["8.8.8.8"] };
    rig.resolver.gate = promise;
    const early = rig.ask();
    await rig.timers.advance(0);
    while (rig.resolver.asked.length === 0) await rig.timers.advance(0);
    rig.resolver.gate = undefined;
    rig.resolver.set(NAME, answerOf(7n, at("9.9.9.9")));
    const late = await rig.exchange(queryFor({ id: 8 }));
    expect(dataOf(decode(late), "A")).to.deep.equal(["9.9.9.9"]);
    open(undefined);
    expect(dataOf(await early, "A")).to.have.length(1);
    expect(dataOf(await rig.ask(), "A")).to.deep.equal(["9.9.9.9"]);
  });

  it("never lets a TTL reach beyond the lease", async () => {
    const ttl = async () =>
      (await rig.ask()).answers?.map((answer) => (answer as { ttl: number }).ttl);
    expect(await ttl()).to.deep.equal([30]);
    await rig.timers.advance(30_500);
    expect(await ttl()).to.deep.equal([29]);
    await rig.timers.advance(500);
    expect(await ttl()).to.deep.equal([29]);
    await rig.timers.advance(1);
    expect(await ttl()).to.deep.equal([28]);
    await rig.timers.advance(28_998);
    expect(await ttl()).to.deep.equal([0]);
    rig.resolver.fail(NAME, resolveErrors.stale);
    await rig.timers.advance(1);
    expect((await rig.ask()).rcode).to.equal("SERVFAIL");
  });

  it("cuts what a client cannot take over UDP, and sends it whole over TCP", async () => {
    const endpoints = Array.from({ length: 40 }, (_, index) => ({
      uri: `https://h${index}.example.com/`,
      priority: 0,
      weight: 1,
    }));
    rig.resolver.set(NAME, answerOf(7n, { endpoints }));
    const asked = { rrtype: "TXT" };
    for (const [size, most] of [
      [undefined, 512],
      [100, 512],
      [900, 900],
      [4096, 1232],
    ] as const) {
      for (const way of ["looked up", "kept"]) {
        const bytes = await rig.exchange(queryFor({ ...asked, size }));
        const cut = decode(bytes);
        expect(bytes.length, `${size} ${way}`).to.be.at.most(most);
        expect([cut.flag_tc, cut.rcode, cut.answers]).to.deep.equal([true, "NOERROR", []]);
        expect(cut.additionals).to.have.length(size === undefined ? 0 : 1);
      }
    }
    const [whole] = await rig.overTcp(framed(queryFor(asked)));
    const full = decode(whole!);
    expect([full.flag_tc, full.answers?.length]).to.deep.equal([false, 42]);
    const [again] = await rig.overTcp(framed(queryFor({ ...asked, size: 512 })));
    expect(decode(again!).answers).to.have.length(42);
  });

  it("answers EDNS with EDNS: its own size, the client's DO, no other version", async () => {
    const opt = (message: Buffer) => message.subarray(-11).toString("hex");
    const query = queryFor({ size: 4096 });
    expect(opt(await rig.exchange(query))).to.equal("00002904d0000000000000");
    query[query.length - 4] = 0x80;
    expect(opt(await rig.exchange(query))).to.equal("00002904d0000080000000");
    query[query.length - 5] = 1;
    const version = await rig.exchange(query);
    expect([rcodeOf(version), opt(version)]).to.deep.equal([0, "00002904d0010080000000"]);
    expect((await rig.ask()).additionals).to.deep.equal([]);
  });

  it("has an SOA and an NS record at its apex, and nothing below `id`", async () => {
    const soa = await rig.ask({ name: "bloc.alt", rrtype: "SOA" });
    expect(soa.answers?.[0]).to.deep.include({
      name: "bloc.alt",
      type: "SOA",
      data: {
        mname: "bloc.alt",
        rname: "nobody.invalid",
        serial: 1,
        refresh: 3600,
        retry: 1200,
        expire: 604800,
        minimum: 5,
      },
    });
    expect(dataOf(await rig.ask({ name: "bloc.alt", rrtype: "NS" }), "NS")).to.deep.equal([
      "bloc.alt",
    ]);
    for (const [name, rrtype] of [
      ["bloc.alt", "A"],
      ["id.bloc.alt", "A"],
      [NAME, "MX"],
      [`_tcp.${NAME}`, "SRV"],
    ] as const) {
      const none = await rig.ask({ name, rrtype });
      expect([none.rcode, none.answers, none.authorities?.[0]?.type], name).to.deep.equal([
        "NOERROR",
        [],
        "SOA",
      ]);
    }
  });

  it("has no name that no service could have", async () => {
    for (const name of [
      "nobody.bloc.alt",
      "a.b.c.bloc.alt",
      "-.bloc.alt",
      "_tcp.bloc.alt",
      "short.id.bloc.alt",
      `_nothing.${NAME}`,
      `_tcp._https.${NAME}`,
      `_https._tcp.nobody.bloc.alt`,
      `_tcp.nobody.bloc.alt`,
      "toString.bloc.alt",
      `__proto__.${NAME}`,
    ]) {
      const none = await rig.ask({ name });
      expect([none.rcode, none.flag_aa, none.authorities?.[0]?.type], name).to.deep.equal([
        "NXDOMAIN",
        true,
        "SOA",
      ]);
    }
  });

  it("treats a dot inside a label as part of the label", async () => {
    const query = queryFor({ name: "weatherxbloc.alt" });
    query[query.indexOf("xbloc")] = 0x2e;
    expect(rcodeOf(await rig.exchange(query))).to.equal(5);
  });

  it("refuses other zones, classes and transfers, and does nothing but answer queries", async () => {
    const code = async (asked: object) => rcodeOf(await rig.exchange(queryFor(asked)));
    expect(await code({ name: "example.com" })).to.equal(5);
    expect(await code({ name: "alt" })).to.equal(5);
    expect(await code({ name: "notbloc.alt" })).to.equal(5);
    const questions = [{ type: "TXT", class: "CH", name: "version.bind" }];
    expect(await code({ questions })).to.equal(5);
    expect(await code({ rrtype: "AXFR", name: "bloc.alt" })).to.equal(5);
    expect(await code({ rrtype: "IXFR", name: "bloc.alt" })).to.equal(5);
    for (const opcode of [1, 2, 4, 5, 6, 15]) {
      const query = queryFor({});
      query[2] = opcode << 3;
      const answer = await rig.exchange(query);
      expect([rcodeOf(answer), (answer[2]! >> 3) & 15], String(opcode)).to.deep.equal([4, opcode]);
    }
  });

  it("answers ANY with next to nothing (RFC 8482)", async () => {
    for (const name of [NAME, "bloc.alt", `_https._tcp.${NAME}`]) {
      const any = await rig.ask({ name, rrtype: "ANY" });
      expect(
        any.answers?.map(({ type }) => type),
        name,
      ).to.deep.equal(["HINFO"]);
    }
    expect((await rig.ask({ name: "nobody.bloc.alt", rrtype: "ANY" })).rcode).to.equal("NXDOMAIN");
  });

  it("gives a lookup four seconds, and no more of them than it can hold", async () => {
    await rig.stop();
    rig = new DnsRig({ limits: { maxPending: 1 } });
    await rig.start();
    rig.resolver.gate = new Promise(() => {});
    const slow = rig.next();
    rig.send(queryFor({ id: 1 }));
    while (rig.resolver.asked.length === 0) await rig.timers.advance(0);
    const first = rig.next();
    rig.send(queryFor({ id: 2, name: "other.bloc.alt" }));
    expect([(await first)[1], rcodeOf(await first)]).to.deep.equal([2, 2]);
    await slow;
    const late = rig.next();
    await rig.timers.advance(4_000);
    expect([(await late)[1], rcodeOf(await late)]).to.deep.equal([1, 2]);
  });

  it("counts its responses, and reports them once a second", async () => {
    await rig.ask();
    await rig.ask();
    await rig.ask({ name: "nobody.bloc.alt" });
    await rig.overTcp(framed(queryFor({})));
    expect(rig.counted).to.deep.equal(["found", "found"]);
    await rig.timers.advance(1_000);
    expect(rig.counted.slice(2)).to.deep.equal([
      "udp NOERROR 2",
      "udp NXDOMAIN 1",
      "tcp NOERROR 1",
    ]);
  });

  it("listens on a name, over both transports", async () => {
    const named = new DnsRig({ listen: { host: "localhost", port: 0 } });
    await named.front.start();
    try {
      expect(["127.0.0.1", "::1"]).to.contain(named.front.address.address);
    } finally {
      await named.front.stop();
    }
  });

  it("says when its address is taken", async () => {
    const second = new DnsRig({ listen: { host: "127.0.0.1", port: rig.port } });
    const error = await second.front.start().catch((thrown: unknown) => thrown);
    expect(error).to.include({ code: "DNS_LISTEN" });
    await second.stop();
  });

  it("shares its address with another that asks for it, and with no other", async () => {
    const shared = { host: "127.0.0.1", shared: true };
    const first = new DnsRig({ listen: { ...shared, port: 0 } });
    await first.front.start();
    const { port } = first;
    const second = new DnsRig({ listen: { ...shared, port } });
    second.resolver.set(NAME, answerOf(7n, at("9.9.9.9")));
    await second.start();
    const alone = new DnsRig({ listen: { host: "127.0.0.1", port } });
    try {
      const error = await alone.front.start().catch((thrown: unknown) => thrown);
      expect(error).to.include({ code: "DNS_LISTEN" });
      await first.front.stop();
      const answer = await second.ask({});
      expect(answer.answers?.[0]).to.include({ data: "9.9.9.9" });
    } finally {
      for (const rig of [first, second, alone]) await rig.stop();
    }
  });
});
