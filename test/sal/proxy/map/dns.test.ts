import { expect } from "chai";
import { BlockcloudError } from "../../../../src/protocol/errors.ts";
import { rawName, type Zone } from "../../../../src/protocol/name.ts";
import { rcodes, types } from "../../../../src/resolver/dns/codes.ts";
import { MappedRig } from "../../../support/mappedRig.ts";
import { rejection } from "../../../support/rejection.ts";

const NAME = "weather.bloc.alt";

describe("the proxy's DNS", () => {
  let rig: MappedRig;

  beforeEach(async () => {
    rig = new MappedRig();
    await rig.start();
    rig.service(NAME);
  });
  afterEach(() => rig.stop());

  /** The code of a query that must fail. */
  const failure = async (asking: Promise<unknown>) => {
    const error = await asking.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    return (error as NodeJS.ErrnoException | undefined)?.code;
  };

  it("a service has one address under all its names, in both zones and any case", async () => {
    const address = await rig.address(NAME);
    const raw = rig.names.get(NAME)!;
    const names = ["WEATHER.bloc.ALT", "weather.bloc.alt.", "weather.bloc.internal"];
    for (const zone of ["bloc.alt", "bloc.internal"] as Zone[]) names.push(rawName(raw, zone));
    for (const name of names) expect(await rig.address(name), name).to.equal(address);
    expect(rig.store.list(0, 2 ** 32)).to.have.length(1);
  });

  it("a sub-service has its own", async () => {
    rig.service("roof.weather.bloc.alt");
    const roof = await rig.address("roof.weather.bloc.alt");
    expect(roof).not.to.equal(await rig.address(NAME));
    expect(await rig.address("Roof.Weather.bloc.internal")).to.equal(roof);
  });

  it("answers are short-lived, for the name may go to another service", async () => {
    const [first] = await rig.dns.resolve4(NAME, { ttl: true });
    expect(first?.ttl).to.equal(30);
  });

  it("other types have no records, and do not make a mapping", async () => {
    for (const ask of [
      rig.dns.resolve6(NAME),
      rig.dns.resolveTxt(NAME),
      rig.dns.resolveMx(NAME),
      rig.dns.resolveSrv(NAME),
    ]) {
      expect(await failure(ask)).to.equal("ENODATA");
    }
    expect(rig.store.list(0, 2 ** 32)).to.deep.equal([]);
  });

  it("names that are none do not exist, and other zones are refused", async () => {
    for (const name of ["nowhere.bloc.alt", "a.b.c.bloc.alt", `_record.${NAME}`, "-.bloc.internal"])
      expect(await failure(rig.dns.resolve4(name)), name).to.equal("ENOTFOUND");
    for (const name of ["example.org", "bloc.example", "weather.alt", "host.internal"])
      expect(await failure(rig.dns.resolve4(name)), name).to.equal("EREFUSED");
    expect(await failure(rig.dns.resolve4("bloc.internal"))).to.equal("ENODATA");
    expect((await rig.dns.resolveSoa("bloc.internal")).nsname).to.equal("bloc.internal");
  });

  it("a negative answer names the zone that was asked", async () => {
    const { zoneAnswers } = await import("../../../../src/resolver/dns/zoneLookup.ts");
    const answers = zoneAnswers({ maxTtlSeconds: 30, negativeTtlSeconds: 5 });
    const { rcode, authority } = answers["bloc.internal"].negative(rcodes.NXDOMAIN);
    expect(rcode).to.equal(rcodes.NXDOMAIN);
    expect(authority.map(({ type }) => type)).to.deep.equal([types.SOA]);
    expect(authority[0]?.rdata.toString("latin1")).to.contain("\x08internal");
  });

  it("a service that cannot be asked for is a failure, not a name that does not exist", async () => {
    rig.failures.set(NAME, new BlockcloudError("RESOLVER_UNREACHABLE", "Nobody answers."));
    expect(await failure(rig.dns.resolve4(NAME))).to.equal("ESERVFAIL");
  });

  it("a service without a record has no address, and takes none", async () => {
    rig.failures.set(NAME, new BlockcloudError("RECORD_MISSING", "Nothing was published."));
    expect(await failure(rig.dns.resolve4(NAME))).to.equal("ENODATA");
    expect(rig.store.list(0, 2 ** 32)).to.deep.equal([]);
  });

  it("two programs that ask at the same time get the same address", async () => {
    const found = await Promise.all(Array.from({ length: 20 }, () => rig.address(NAME)));
    expect(new Set(found).size).to.equal(1);
  });

  it("a page cannot use up the addresses: new ones are few in a minute", async () => {
    await rig.halt();
    await rig.start({ newPerMinute: 2 });
    for (const label of ["a", "b", "c"]) rig.service(`${label}.bloc.alt`);
    await rig.address("a.bloc.alt");
    await rig.address("b.bloc.alt");
    expect(await failure(rig.dns.resolve4("c.bloc.alt"))).to.equal("ESERVFAIL");
    // Those that have one are not concerned.
    expect(await rig.address("a.bloc.internal")).to.equal(await rig.address("a.bloc.alt"));
  });

  it("where the ports are taken, the proxy does not start, and says so", async () => {
    await rig.halt();
    await rejection("PROXY_OPTIONS", rig.start({ ports: [] }));
    await rejection("PROXY_OPTIONS", rig.start({ range: "127.0.0.0/8" }));
    await rejection("PROXY_OPTIONS", rig.start({ range: "10.0.0.0/8" }));
    await rejection("PROXY_OPTIONS", rig.start({ dns: { host: "0.0.0.0", port: 0 } }));
    await rig.start();
  });
});
