import { expect } from "chai";
import { examineNaming } from "../../src/cli/doctor/naming.ts";
import type { Looked, NameService } from "../../src/cli/doctor/nameService.ts";
import { parseMapRange } from "../../src/sal/proxy/map/range.ts";

const NAME = "weather.bloc.alt";
const INTERNAL = "weather.bloc.internal";
const range = parseMapRange("127.77.0.0/16");
const dns = { host: "127.77.0.1", port: 53 };

/** A system with these files, whose programs find these names. */
function system(
  names: Record<string, string>,
  files: Record<string, string> = {},
  more: Partial<NameService> = {},
): NameService {
  const found = (name: string): Looked =>
    names[name] === undefined ? { code: "ENOTFOUND" } : { addresses: [names[name]] };
  return {
    platform: "linux",
    lookup: (name) => Promise.resolve(found(name)),
    ask: () => Promise.resolve({ addresses: ["127.77.0.2"] }),
    read: (file) => files[file],
    systemd: () => undefined,
    ...more,
  };
}

const check = (name: string, on: NameService) => examineNaming({ name, range, dns }, on);

describe("doctor and the names of services", () => {
  it("a name that leads to a mapped address is well", async () => {
    const found = await check(NAME, system({ [NAME]: "127.77.0.2" }));
    expect(found).to.deep.equal([{ name: `name ${NAME}`, ok: true, detail: "127.77.0.2" }]);
  });

  it("systemd-resolved from 255 on answers for alt: the other zone is the remedy", async () => {
    const files = { "/etc/nsswitch.conf": "hosts: files resolve [!UNAVAIL=return] dns\n" };
    const on = system({ [INTERNAL]: "127.77.0.2" }, files, { systemd: () => 257 });
    const [alt, internal] = await check(NAME, on);
    expect(alt).to.include({ ok: false });
    expect(alt?.detail).to.match(/systemd-resolved 257/);
    expect(alt?.remedy).to.include(INTERNAL).and.to.include("blockcloud proxy hosts");
    expect(internal).to.include({ name: `name ${INTERNAL}`, ok: true });
  });

  it("systemd-resolved that was not told of the proxy: its drop-in is the remedy", async () => {
    const files = { "/etc/resolv.conf": "nameserver 127.0.0.53\n" };
    const [found] = await check(NAME, system({}, files, { systemd: () => 252 }));
    expect(found?.remedy)
      .to.include("/etc/systemd/resolved.conf.d/blockcloud.conf")
      .and.to.include("DNS=127.77.0.1")
      .and.not.to.include(INTERNAL);
    const [newer] = await check(NAME, system({}, files, { systemd: () => 257 }));
    expect(newer?.remedy).to.include(INTERNAL);
    const [other] = await check(INTERNAL, system({}, files, { systemd: () => 257 }));
    expect(other?.remedy).not.to.include("Then use");
  });

  it("a system that asks no name server, or another one", async () => {
    const [none] = await check(NAME, system({}, { "/etc/nsswitch.conf": "hosts: files # dns\n" }));
    expect(none?.detail).to.include("nsswitch");
    const router = { "/etc/resolv.conf": "# x\nnameserver 192.168.1.1\nnameserver 127.77.0.1\n" };
    const [second] = await check(NAME, system({}, router));
    expect(second?.detail).to.include("after others");
    const [other] = await check(NAME, system({}, { "/etc/resolv.conf": "nameserver 1.2.3.4\n" }));
    expect(other?.detail).to.include("1.2.3.4");
    const [mac] = await check(NAME, system({}, {}, { platform: "darwin" }));
    expect(mac?.remedy).to.include("/etc/resolver/bloc.alt");
  });

  it("without an answer of the proxy, the system is not to blame", async () => {
    const silent = { ask: () => Promise.resolve({ code: "ECONNREFUSED" }) };
    const [found] = await check(NAME, system({}, {}, silent));
    expect(found?.remedy).to.include("proxy --map");
    const unknown = { ask: () => Promise.resolve({ code: "ENOTFOUND" }) };
    const [wrong] = await check(NAME, system({}, {}, unknown));
    expect(wrong?.remedy).to.include("check the name");
  });

  it("an address that is not the proxy's is told", async () => {
    const [found] = await check(NAME, system({ [NAME]: "192.0.2.7" }));
    expect(found).to.include({ ok: false });
  });
});
