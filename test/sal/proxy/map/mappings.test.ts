import { expect } from "chai";
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Hex } from "viem";
import { rootServiceId } from "../../../../src/protocol/serviceId.ts";
import { Mappings } from "../../../../src/sal/proxy/map/mappings.ts";
import { MapStore } from "../../../../src/sal/proxy/map/mapStore.ts";
import { addressText, parseMapRange } from "../../../../src/sal/proxy/map/range.ts";
import { expectCode } from "../../../support/expectCode.ts";
import { MappedRig } from "../../../support/mappedRig.ts";

const DAY_S = 24 * 3600;
/** Five addresses: .2 to .6. */
const SMALL = parseMapRange("127.77.0.0/29")!;
const service = (number: number): Hex => rootServiceId(BigInt(number));
const name = (number: number) => `s${number}.bloc.alt`;

describe("who has which mapped address", () => {
  let now = 1_800_000_000;
  let folder: string;
  let inUse: Set<number>;
  const open: MapStore[] = [];

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "mappings-"));
    inUse = new Set();
  });
  afterEach(() => {
    for (const store of open.splice(0)) store.close();
    rmSync(folder, { recursive: true });
  });

  /** The mappings of a process that has just started. */
  const start = (range = SMALL) => {
    const store = new MapStore(path.join(folder, "map.sqlite"));
    open.push(store);
    const isInUse = (address: number) => inUse.has(address);
    return new Mappings(range, { store, isInUse, now: () => now, mayMap: () => true });
  };
  const take = (mappings: Mappings, number: number) =>
    addressText(mappings.of(service(number), name(number)).address);

  it("ranges are loopback ones, apart from what systems use themselves", () => {
    for (const good of ["127.77.0.0/16", "127.1.0.0/30", "127.200.1.4/30"])
      expect(parseMapRange(good), good).not.to.equal(undefined);
    for (const bad of [
      ...["127.0.0.0/8", "127.0.0.0/16", "127.0.128.0/24", "126.0.0.0/7", "10.0.0.0/8"],
      ...["127.77.0.0/31", "::1/128", "127.77.0.0", "127.77/16", "", "x"],
    ])
      expect(parseMapRange(bad), bad).to.equal(undefined);
    expect(parseMapRange("127.77.3.9/24")?.text).to.equal("127.77.3.0/24");
  });

  it("a service keeps its address over restarts", () => {
    const first = start();
    const given = [1, 2, 3].map((number) => take(first, number));
    expect(given).to.deep.equal(["127.77.0.2", "127.77.0.3", "127.77.0.4"]);
    const second = start();
    expect([3, 1, 2].map((number) => take(second, number))).to.deep.equal([
      ...["127.77.0.4", "127.77.0.2", "127.77.0.3"],
    ]);
  });

  it("a full range refuses new services, and takes no address away", () => {
    const mappings = start();
    const given = [1, 2, 3, 4, 5].map((number) => take(mappings, number));
    expectCode("PROXY_MAP_FULL", () => take(mappings, 6));
    now += 30 * DAY_S - 1;
    expectCode("PROXY_MAP_FULL", () => take(mappings, 6));
    expect([1, 2, 3, 4, 5].map((number) => take(mappings, number))).to.deep.equal(given);
  });

  it("an address that was not used for 30 days goes to another service once all are taken", () => {
    const mappings = start();
    for (const number of [1, 2, 3, 4, 5]) take(mappings, number);
    now += 29 * DAY_S;
    for (const number of [1, 3, 5]) take(mappings, number);
    now += 2 * DAY_S;
    inUse.add(mappings.of(service(1), name(1)).address + 1);
    expect(take(mappings, 6)).to.equal("127.77.0.5");
    // The other one is in use, although no query told so.
    expectCode("PROXY_MAP_FULL", () => take(mappings, 7));
    expectCode("PROXY_MAP_FULL", () => take(mappings, 4));
    expect(mappings.at(mappings.of(service(6), name(6)).address)?.serviceId).to.equal(service(6));
  });

  it("an address of a hosts file is never taken away", () => {
    const mappings = start();
    for (const number of [1, 2, 3, 4, 5]) take(mappings, number);
    mappings.pin(mappings.of(service(1), name(1)), true);
    now += 31 * DAY_S;
    const given = [6, 7, 8, 9].map((number) => take(mappings, number));
    expect(given).not.to.include("127.77.0.2");
    expectCode("PROXY_MAP_FULL", () => take(mappings, 10));
  });

  it("two processes give a service the same address, and two services different ones", () => {
    const [one, other] = [start(), start()];
    const given = [take(one, 1), take(other, 2), take(one, 3), take(other, 1), take(one, 2)];
    expect(given).to.deep.equal([
      ...["127.77.0.2", "127.77.0.3", "127.77.0.4", "127.77.0.2", "127.77.0.3"],
    ]);
    expect(other.all.map(({ serviceId }) => serviceId)).to.have.members([1, 2, 3].map(service));
  });

  it("another range gives other addresses, and the first one is not forgotten", () => {
    const before = take(start(), 1);
    expect(take(start(parseMapRange("127.78.0.0/24")), 1)).to.equal("127.78.0.2");
    expect(take(start(), 1)).to.equal(before);
  });

  it("what an answer said is on disk before it, whenever the process is killed", async function () {
    this.timeout(60_000);
    const child = fork(path.join(import.meta.dirname, "mapper.ts"), [
      path.join(folder, "map.sqlite"),
    ]);
    const given = new Map<number, string>();
    child.on("message", ([number, address]: [number, string]) => {
      given.set(number, address);
      if (given.size === 40) child.kill("SIGKILL");
    });
    await once(child, "close");
    const mappings = start(parseMapRange("127.77.0.0/16"));
    expect(given.size).to.be.at.least(40);
    for (const [number, address] of given) expect(take(mappings, number)).to.equal(address);
    expect(new Set(mappings.all.map(({ address }) => address)).size).to.equal(mappings.size);
  });
});

describe("a restart of a proxy with mapped addresses", () => {
  let rig: MappedRig;

  beforeEach(() => {
    rig = new MappedRig();
  });
  afterEach(() => rig.stop());

  it("programs that kept an address reach the service without asking again", async () => {
    await rig.start();
    await rig.web("weather.bloc.alt");
    const { connect } = await import("node:net");
    const host = await rig.address("weather.bloc.alt");
    await rig.halt();
    rig.asked.length = 0;
    await rig.start();
    const socket = connect({ host, port: rig.port });
    socket.write("GET / HTTP/1.0\r\nHost: weather.bloc.alt\r\n\r\n");
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString()).to.match(/^HTTP\/1\.1 200 /);
    socket.destroy();
  });

  it("listeners are bounded, and one that is in use does not go", async () => {
    await rig.start({ maxAddresses: 2 });
    for (const label of ["a", "b", "c"]) rig.service(`${label}.bloc.alt`);
    await rig.address("a.bloc.alt");
    await rig.address("b.bloc.alt");
    const refused = await rig.dns.resolve4("c.bloc.alt").catch((error: unknown) => error);
    expect(refused).to.have.property("code", "ESERVFAIL");
  });
});
