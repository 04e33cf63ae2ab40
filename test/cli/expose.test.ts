import { expect } from "chai";
import { existsSync, readFileSync, statSync } from "node:fs";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import path from "node:path";
import { startUpstream, type Upstream } from "../../devnet/upstreams.ts";
import { WorkerProcess } from "../../devnet/worker.ts";
import { exitCodes } from "../../src/cli/framework/exitCodes.ts";
import { exposedKeyFile, ExposedStore } from "../../src/cli/expose/exposedStore.ts";
import { tellIfSilent } from "../../src/cli/expose/localServer.ts";
import { measuredProbe } from "../../src/cli/expose/measuredProbe.ts";
import type { Progress } from "../../src/cli/framework/progress.ts";
import { auditText } from "../../src/cli/expose/rootService.ts";
import { placeOf } from "../../src/cli/expose/place.ts";
import { hexToBytes } from "../../src/protocol/bytes.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { blockcloudDomain } from "../../src/protocol/typedData.ts";
import { CliRig, parts } from "../support/cliRig.ts";
import { salUser } from "../support/salUser.ts";
import { until } from "../support/until.ts";

describe("expose without --under", () => {
  let rig: CliRig;
  let upstream: Upstream;
  let status = 204;
  let relay = "";
  let serving: WorkerProcess;
  const workers: WorkerProcess[] = [];

  before(async () => {
    rig = await CliRig.start();
    upstream = await startUpstream((_, response) => {
      response.statusCode = status;
      response.end(status === 200 ? "sunny" : undefined);
    });
    const process = launch("relay", ["relay", "run", "--listen", "127.0.0.1:0"]);
    const { names } = await process.logged("relay listens");
    [relay = ""] = names as string[];
  });
  after(async () => {
    for (const worker of workers) await worker.kill();
    await upstream?.stop();
    await rig?.stop();
  });

  const port = () => Number(new URL(upstream.url).port);
  const state = () => path.join(rig.folder, "state");
  const keyFile = () => exposedKeyFile(state(), rig.devnet.deployment, port());
  const noted = () => ExposedStore.read(state(), rig.devnet.deployment, port());
  const registered = () =>
    rig.client.readContract({ ...rig.registry, functionName: "serviceCount" });

  function launch(
    name: string,
    args: string[],
    { folder = name, env = {} }: { folder?: string; env?: Record<string, string> } = {},
  ): WorkerProcess {
    const worker = new WorkerProcess({
      name,
      args: [
        ...args,
        ...["--state", path.join(rig.folder, folder), "--rpc", rig.devnet.rpcUrl],
        ...["--deployment", path.join(rig.folder, "devnet.json")],
      ],
      env,
      logFile: path.join(rig.folder, `${name}.log`),
    });
    workers.push(worker);
    return worker;
  }

  /** The one command, as a user starts it. */
  function exposed(...more: string[]): WorkerProcess {
    const coral = ["--coral-listen", "/ip4/127.0.0.1/tcp/0", "--allow-loopback"];
    return launch(
      "expose",
      ["expose", String(port()), "--relay", relay, "--yes", "--json", ...coral, ...more],
      { folder: "state", env: { BLOCKCLOUD_WALLET_KEY: parts.wallet.key } },
    );
  }

  /** Sends a request to the service through the relay. */
  async function answers(): Promise<void> {
    const key = readFileSync(keyFile(), "utf8").trim() as `0x${string}`;
    const { contracts, chainId } = rig.devnet.deployment;
    const user = salUser({
      ...{ serviceId: rootServiceId(1n), key: hexToBytes(key), port: 1 },
      domain: blockcloudDomain(BigInt(chainId), contracts.registry),
    });
    try {
      user.locator.publish({ endpoints: [`sal://${relay}?relay`] });
      const flow = await user.client.connect("service", 80);
      flow.on("error", () => {});
      let back = "";
      flow.on("data", (chunk: Buffer) => {
        back += chunk.toString();
      });
      flow.write("GET / HTTP/1.1\r\nhost: service\r\nconnection: close\r\n\r\n");
      await until("the answer is whole", () => back.includes("sunny"));
    } finally {
      user.client.close();
    }
  }

  const code = async (line: string) => (await rig.cli(line)).code;
  const line = (more = "") =>
    `expose ${port()} --relay ${relay} --state state --wallet-key-file wallet.key ${more}`;

  it("shows what the registration costs, and sends and writes nothing", async () => {
    const { code, stdout, stderr } = await rig.cli(line("--dry-run"));
    expect(code, stderr).to.equal(exitCodes.ok);
    expect(stdout).to.contain("burned: 10 BLOC").and.to.contain("staked: 1000 BLOC");
    expect(stdout).to.contain("auditors inspect it by GET /");
    expect(await rig.sent(parts.wallet.address)).to.equal(0);
    expect(existsSync(state())).to.equal(false);
  });

  it("sends nothing without a confirmation", async () => {
    expect(await code(line())).to.equal(exitCodes.refused);
    expect(await rig.sent(parts.wallet.address)).to.equal(0);
    expect(noted(), "no attempt is noted").to.equal(undefined);
  });

  it("refuses a server that every inspection would fail", async () => {
    status = 500;
    const ill = await rig.cli(line("--yes --json"));
    expect(ill.stderr + ill.stdout).to.contain("EXPOSE_PROBE");
    status = 200;
    const unprobed = await rig.cli(line("--yes --json --class tcp"));
    expect(unprobed.stderr + unprobed.stdout).to.contain("EXPOSE_PROBE");
    expect(await rig.sent(parts.wallet.address)).to.equal(0);
  });

  it("takes a server of HTTP/1.0, and says so if none is there", async () => {
    const simple = createServer((socket) => {
      socket.once("data", () => socket.end("HTTP/1.0 200 OK\r\nserver: simple\r\n\r\nsunny"));
    });
    simple.listen(0, "127.0.0.1");
    await once(simple, "listening");
    const { port } = simple.address() as AddressInfo;
    const { signal } = new AbortController();
    expect(await measuredProbe(port, "http", signal)).to.deep.equal({
      ...{ v: 1, requests: [{ path: "/" }] },
    });

    const said: string[] = [];
    const progress = { say: (text: string) => said.push(text) } as unknown as Progress;
    await tellIfSilent({ args: { port }, progress, signal });
    expect(said).to.deep.equal([]);
    simple.close();
    await once(simple, "close");
    await tellIfSilent({ args: { port }, progress, signal });
    expect(said).to.have.length(1);
    expect(said[0]).to.contain(`127.0.0.1:${port}`);
  });

  it("does not announce inspections that have begun", () => {
    expect(auditText(50, 106)).not.to.contain("50");
    expect(auditText(50, 49)).to.contain("from epoch 50 on");
    expect(auditText(undefined, 49)).to.contain("after its registration");
  });

  it("refuses flags that would have no effect", async () => {
    const usage = exitCodes.usage;
    expect(await code(line("--label roof"))).to.equal(usage);
    const under = `expose 3000 --under 1 --relay ${relay} --service-key-file service.key`;
    for (const flag of ["--stake 2000", "--dry-run", "--service 1", "--price 0.1/MB"])
      expect(await code(`${under} ${flag}`), flag).to.equal(usage);
    expect(await code(`expose 3000 --relay ${relay}`), "no wallet").to.equal(usage);
  });

  it("is killed before it knows the number, and the next run registers no second service", async () => {
    await rig.request("evm_setAutomine", [false]);
    const first = exposed();
    await until("the transaction waits", async () => {
      const address = parts.wallet.address;
      return (await rig.client.getTransactionCount({ address, blockTag: "pending" })) === 1;
    });
    await first.kill();
    expect(noted()).to.include({ number: undefined, owner: parts.wallet.address, since: 0n });
    await rig.request("evm_setAutomine", [true]);
    await rig.request("evm_mine", []);
    expect(await registered()).to.equal(1n);
    const before = await rig.bloc(parts.wallet.address);

    serving = exposed();
    await serving.logged("provider started");
    expect(await registered()).to.equal(1n);
    expect(await rig.bloc(parts.wallet.address), "no second fee").to.equal(before);
    expect(noted()).to.include({ number: 1n });
    expect(statSync(keyFile()).mode & 0o777).to.equal(0o600);
  });

  it("serves through the relay at once, before auditors count the service", async () => {
    await serving.logged("a relay leads clients here");
    await answers();
  });

  it("restarts with the same service and the same key", async () => {
    const key = readFileSync(keyFile(), "utf8");
    await serving.stop();
    serving = exposed();
    await serving.logged("a relay leads clients here");
    await answers();
    expect(await registered()).to.equal(1n);
    expect(readFileSync(keyFile(), "utf8")).to.equal(key);
    expect(addressOfKey(key.trim() as `0x${string}`)).to.equal(noted()?.key);
  });

  it("takes the deployment's relays where none is given, if strangers cannot reach this host", () => {
    const deployment = { ...rig.devnet.deployment, relays: ["relay.example:4180"] };
    const values = { listen: undefined, endpoint: undefined, relays: [], allowLoopback: false };
    const hidden = placeOf(values, deployment, ["192.168.1.7"]);
    expect(hidden.relays).to.deep.equal([{ host: "relay.example", port: 4180 }]);
    expect(hidden.listen).to.deep.equal({ host: "127.0.0.1", port: 0 });
    const open = placeOf(values, deployment, ["192.168.1.7", "8.8.8.8"]);
    expect(open).to.deep.equal({ listen: { host: "0.0.0.0", port: 0 }, relays: [] });
    const none = { ...deployment, relays: [] };
    expect(() => placeOf(values, none, ["192.168.1.7"]))
      .to.throw()
      .with.property("code", "EXPOSE_UNREACHABLE");
  });

  it("does not serve a service without its key", async () => {
    const other = await rig.cli(
      `expose 1 --service 1 --relay ${relay} --state elsewhere --wallet-key-file wallet.key --json`,
    );
    expect(other.code).to.equal(exitCodes.usage);
    expect(other.stderr + other.stdout).to.contain("KEY_MISSING");
  });

  it("does not register while another agent of the wallet runs", async () => {
    const { stderr, stdout } = await rig.cli(
      `expose 1 --relay ${relay} --state state --wallet-key-file wallet.key --yes --json`,
    );
    expect(stderr + stdout).to.contain("WORKER_RUNNING");
    expect(await registered()).to.equal(1n);
  });
});
