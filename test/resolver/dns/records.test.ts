import { expect } from "chai";
import { rawName } from "../../../src/protocol/name.ts";
import { rootServiceId } from "../../../src/protocol/serviceId.ts";
import { resolveErrors } from "../../../src/resolver/answer.ts";
import { dataOf, decode, DnsRig, framed, queryFor } from "../../support/dnsRig.ts";
import { answerOf } from "../../support/fakeResolver.ts";

const NAME = "weather.bloc.alt";
const raw = rawName(rootServiceId(7n));
const endpoint = (uri: string, priority = 0, weight = 1) => ({ uri, priority, weight });

describe("DNS records", () => {
  let rig: DnsRig;

  beforeEach(async () => {
    rig = new DnsRig();
    await rig.start();
  });
  afterEach(() => rig.stop());

  const publish = (...endpoints: ReturnType<typeof endpoint>[]) => {
    rig.resolver.set(NAME, answerOf(7n, { endpoints }));
  };

  it("A and AAAA are the addresses of the first priority, hosts resolved", async () => {
    rig.hosts = { "a.example.com": ["9.9.9.9", "2620:fe::9"] };
    publish(
      endpoint("https://8.8.8.8/"),
      endpoint("https://a.example.com:8443/x"),
      endpoint("tcp://[2620:fe::fe]:99"),
      endpoint("https://1.1.1.1/", 1),
    );
    expect(dataOf(await rig.ask(), "A")).to.deep.equal(["8.8.8.8", "9.9.9.9"]);
    expect(dataOf(await rig.ask({ rrtype: "AAAA" }), "AAAA")).to.deep.equal([
      "2620:fe::9",
      "2620:fe::fe",
    ]);
    expect(rig.hostsAsked).to.deep.equal(["a.example.com"]);
  });

  it("no address is private, written or resolved: a public name must not lead into a private network", async () => {
    rig.hosts = { "inside.example.com": ["10.0.0.1", "9.9.9.9", "fd00::1"] };
    publish(
      endpoint("https://192.168.1.1/"),
      endpoint("https://0x0a000001/"),
      endpoint("tcp://0xc0a80101:5"),
      endpoint("https://inside.example.com/"),
    );
    expect(dataOf(await rig.ask(), "A")).to.deep.equal(["9.9.9.9"]);
    expect(dataOf(await rig.ask({ rrtype: "AAAA" }), "AAAA")).to.deep.equal([]);
    const srv = await rig.ask({ name: `_bloc._tcp.${NAME}`, rrtype: "SRV" });
    expect(dataOf(srv, "SRV")).to.deep.equal([
      { priority: 0, weight: 1, port: 443, target: "inside.example.com" },
    ]);
  });

  it("a rule of the service table is the operator's own: private addresses are meant", async () => {
    const endpoints = [endpoint("tcp://192.168.1.1:5"), endpoint("unix:/run/x.sock")];
    rig.resolver.set(NAME, answerOf(7n, { endpoints, source: "table", record: undefined }));
    expect(dataOf(await rig.ask(), "A")).to.deep.equal(["192.168.1.1"]);
    expect((await rig.ask({ name: `_record.${NAME}`, rrtype: "TXT" })).answers).to.deep.equal([]);
  });

  it("SRV has every endpoint of a scheme with priority, weight and port", async () => {
    publish(
      endpoint("https://api.example.com/", 0, 3),
      endpoint("http://8.8.8.8:8080/", 1, 4),
      endpoint("sal://[2620:fe::fe]:700", 2, 5),
      endpoint("sal://noport.example.com", 2, 5),
      endpoint("tcp://db.example.com:80", 3, 6),
    );
    const v4 = `ip-8-8-8-8.${raw}`;
    const v6 = `ip-2620-fe-0-0-0-0-0-fe.${raw}`;
    const all = [
      { priority: 0, weight: 3, port: 443, target: "api.example.com" },
      { priority: 1, weight: 4, port: 8080, target: v4 },
      { priority: 2, weight: 5, port: 700, target: v6 },
      { priority: 3, weight: 6, port: 80, target: "db.example.com" },
    ];
    const srv = async (service: string) =>
      dataOf(await rig.ask({ name: `${service}._tcp.${NAME}`, rrtype: "SRV", size: 1232 }), "SRV");
    expect(await srv("_bloc")).to.deep.equal(all);
    expect(await srv("_https")).to.deep.equal([all[0]]);
    expect(await srv("_http")).to.deep.equal([all[1]]);
    expect(await srv("_sal")).to.deep.equal([all[2]]);
    expect(dataOf(await rig.ask({ name: v4 }), "A")).to.deep.equal(["8.8.8.8"]);
    expect(dataOf(await rig.ask({ name: v6, rrtype: "AAAA" }), "AAAA")).to.deep.equal([
      "2620:fe::fe",
    ]);
  });

  it("a target's name disappears with its address, and leads to no other address", async () => {
    publish(endpoint("https://8.8.8.8/"));
    expect((await rig.ask({ name: `ip-8-8-8-8.${raw}` })).rcode).to.equal("NOERROR");
    publish(endpoint("https://9.9.9.9/"));
    for (const label of ["ip-8-8-8-8", "ip-127-0-0-1", "ip-09-9-9-9", "ip-9-9-9", "ip-9-9-9-256"]) {
      expect((await rig.ask({ name: `${label}.${raw}` })).rcode, label).to.equal("NXDOMAIN");
    }
  });

  it("HTTPS and SVCB are in RFC 9460's encoding", async () => {
    publish(endpoint("https://8.8.8.8:8443/"), endpoint("sal://s.example.com:700", 65_535));
    const [https] = dataOf(await rig.ask({ rrtype: "UNKNOWN_65" }), "UNKNOWN_65") as [Buffer];
    const target = [`ip-8-8-8-8`, ...raw.split(".")]
      .map((label) => `${String.fromCharCode(label.length)}${label}`)
      .join("");
    expect(https.toString("latin1")).to.equal(
      `\x00\x01${target}\x00\x00\x03\x00\x02\x20\xfb\x00\x04\x00\x04\x08\x08\x08\x08`,
    );
    const sal = await rig.ask({ name: `_sal.${NAME}`, rrtype: "UNKNOWN_64" });
    const [svcb] = dataOf(sal, "UNKNOWN_64") as [Buffer];
    expect(svcb.toString("latin1")).to.equal(
      "\xff\xff\x01s\x07example\x03com\x00\x00\x01\x00\x06\x05sal/1\x00\x03\x00\x02\x02\xbc",
    );
  });

  it("TXT tells people, and URI (RFC 7553) programs, the whole URIs", async () => {
    const long = `https://api.example.com/${"x".repeat(400)}`;
    publish(endpoint("https://8.8.8.8/", 0, 2), endpoint(long, 1, 3));
    const txt = dataOf(await rig.ask({ rrtype: "TXT", size: 1232 }), "TXT") as Buffer[][];
    expect(txt.map((parts) => Buffer.concat(parts).toString())).to.deep.equal([
      `id=${rootServiceId(7n)}`,
      "expires=1700000060",
      "uri=https://8.8.8.8/",
      `uri=${long}`,
    ]);
    const uris = dataOf(await rig.ask({ rrtype: "UNKNOWN_256", size: 1232 }), "UNKNOWN_256");
    expect((uris as Buffer[]).map((uri) => uri.toString("latin1"))).to.deep.equal([
      "\x00\x00\x00\x02https://8.8.8.8/",
      `\x00\x01\x00\x03${long}`,
    ]);
  });

  it("the signed record is there for clients that do not trust the resolver", async () => {
    const record = `0x${"c0ffee".repeat(300)}` as const;
    rig.resolver.set(`sub.${NAME}`, answerOf(7n, { record, nameRecord: "0xbeef" }));
    const signed = async (label: string) => {
      const query = queryFor({ name: `${label}.sub.${NAME}`, rrtype: "TXT" });
      const [message] = await rig.overTcp(framed(query));
      const [parts] = dataOf(decode(message!), "TXT") as [Buffer[]];
      return `0x${Buffer.from(Buffer.concat(parts).toString(), "base64url").toString("hex")}`;
    };
    expect(await signed("_record")).to.equal(record);
    expect(await signed("_name")).to.equal("0xbeef");
  });

  it("raw IDs and names under a service's own mean the same as labels", async () => {
    rig.resolver.set(`cam-1.${NAME}`, answerOf(7n, { endpoints: [endpoint("https://8.8.8.8/")] }));
    for (const name of [raw, `cam-1.${NAME}`, `CAM-1.Weather.Bloc.ALT`, raw.toUpperCase()]) {
      expect(dataOf(await rig.ask({ name }), "A"), name).to.deep.equal(["8.8.8.8"]);
    }
  });

  it("hosts that lead back to this server, or that are no hosts, have no place in an answer", async () => {
    publish(
      endpoint("https://other.bloc.alt/"),
      endpoint("tcp://a..b:1"),
      endpoint(`tcp://${"x".repeat(64)}.example.com:1`),
      endpoint("tcp://what%20ever:1"),
    );
    const answer = await rig.ask();
    expect([answer.rcode, answer.answers]).to.deep.equal(["NOERROR", []]);
    expect(rig.hostsAsked).to.deep.equal([]);
  });

  it("a host whose name servers are silent is a failure, one that does not exist an empty answer", async () => {
    rig.hosts = { "slow.example.com": "ETIMEOUT" };
    publish(endpoint("https://slow.example.com/"));
    expect((await rig.ask()).rcode).to.equal("SERVFAIL");
    publish(endpoint("https://none.example.com/"));
    expect((await rig.ask()).rcode).to.equal("NOERROR");
    publish(endpoint("https://slow.example.com/"), endpoint("https://8.8.8.8/"));
    expect(dataOf(await rig.ask(), "A")).to.deep.equal(["8.8.8.8"]);
  });

  it("each failure has the code that the standard wants, and says more by EDNS", async () => {
    const outcomes = {
      [resolveErrors.unknown]: "NXDOMAIN",
      [resolveErrors.inactive]: "NOERROR",
      [resolveErrors.noRecord]: "NOERROR",
      [resolveErrors.delegation]: "NOERROR",
      [resolveErrors.dropped]: "REFUSED",
      [resolveErrors.stale]: "SERVFAIL",
      [resolveErrors.unreachable]: "SERVFAIL",
      [resolveErrors.busy]: "SERVFAIL",
      [resolveErrors.loop]: "SERVFAIL",
    };
    for (const [code, rcode] of Object.entries(outcomes)) {
      rig.resolver.fail(NAME, code);
      const answer = await rig.ask({ size: 1232 });
      expect(answer.rcode, code).to.equal(rcode);
      const negative = rcode === "NXDOMAIN" || rcode === "NOERROR";
      const soa = answer.authorities?.map(({ type, name }) => `${type} ${name}`);
      expect(soa, code).to.deep.equal(negative ? ["SOA bloc.alt"] : []);
      expect(JSON.stringify(answer.additionals).includes('"code":15'), code).to.equal(
        rcode !== "NXDOMAIN",
      );
    }
  });
});
