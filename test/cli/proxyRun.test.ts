import { expect } from "chai";
import { spawnSync } from "node:child_process";
import { Resolver } from "node:dns/promises";
import { WorkerProcess } from "../../devnet/worker.ts";
import { rawName } from "../../src/protocol/name.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { freePort } from "../support/mappedRig.ts";
import { curl } from "../support/proxyRig.ts";
import { WeatherRig } from "../support/weatherRig.ts";

const RANGE = "127.98.0.0/24";

/** The proxy as a user runs it: in its own process, with chain, resolver and provider. */
describe("blockcloud proxy --map", function () {
  this.timeout(120_000);
  let rig: WeatherRig;
  let proxy: WorkerProcess;
  let port: number;
  let state: string;
  const dns = new Resolver({ tries: 1 });
  let server: string;

  before(async function () {
    if (spawnSync("curl", ["--version"]).error !== undefined) this.skip();
    rig = await WeatherRig.start();
    port = await freePort();
    state = `${rig.chain.folder}/user`;
    await start();
  });
  after(async () => {
    await proxy?.stop();
    await rig?.stop();
  });

  async function start(): Promise<void> {
    proxy = new WorkerProcess({
      ...{ name: "proxy", logFile: `${rig.chain.folder}/proxy.log` },
      args: [
        ...["proxy", "--listen", "127.0.0.1:0", "--map", RANGE, "--map-dns", "127.0.0.1:0"],
        // The gateway is the service's port 80; any other number is refused by the provider.
        ...["--ports", String(port), "--resolver", rig.resolverUrl, "--allow-loopback"],
      ],
      env: {
        BLOCKCLOUD_DEPLOYMENT: rig.deploymentFile,
        BLOCKCLOUD_RPC: rig.rpcUrl,
        BLOCKCLOUD_STATE: state,
      },
    });
    server = String((await proxy.logged("Proxy maps")).dns);
    dns.setServers([server]);
  }

  it("gives a service one address under each of its names, over a restart", async () => {
    const [address] = await dns.resolve4("weather.bloc.alt");
    expect(address).to.equal("127.98.0.2");
    expect(await dns.resolve4("Weather.bloc.internal")).to.deep.equal([address]);
    const raw = rawName(rootServiceId(1n), "bloc.internal");
    expect(await dns.resolve4(raw)).to.deep.equal([address]);
    const none = await dns.resolve4("nowhere.bloc.alt").catch((error: unknown) => error);
    expect(none).to.have.property("code", "ENOTFOUND");
    await proxy.stop();
    await start();
    expect(await dns.resolve4(raw)).to.deep.equal([address]);
  });

  it("leads a program to the service, which refuses a port that it does not offer", async () => {
    const [address = ""] = await dns.resolve4("weather.bloc.alt");
    const at = ["--resolve", `weather.bloc.alt:${port}:${address}`];
    const refused = await curl(...at, `http://weather.bloc.alt:${port}/`);
    expect({ exit: refused.exit, status: refused.status }).to.deep.equal({ exit: 0, status: 403 });
    expect(JSON.parse(refused.body.toString())).to.include({ code: "PORT_REFUSED" });
  });

  it("proxy map names the service, and doctor says why the system does not find it", async () => {
    const listed = await rig.chain.cli(`proxy map --map ${RANGE} --state ${state} --json`);
    expect(listed.json().mappings, listed.stderr).to.have.nested.property(
      "[0].serviceId",
      rootServiceId(1n),
    );
    // A name that no system finds by other means.
    const asked = `doctor --name weather.bloc.internal --map ${RANGE} --map-dns ${server} --json`;
    const { checks } = (await rig.chain.cli(asked)).json() as {
      checks: { name: string; ok: boolean; detail: string }[];
    };
    const found = checks.find(({ name }) => name === "name weather.bloc.internal");
    expect(found?.ok).to.equal(false);
    expect(found?.detail).to.contain("127.98.0.2");
  });
});
