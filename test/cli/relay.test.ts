import { expect } from "chai";
import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import path from "node:path";
import { startUpstream, type Upstream } from "../../devnet/upstreams.ts";
import { WorkerProcess } from "../../devnet/worker.ts";
import { hexToBytes } from "../../src/protocol/bytes.ts";
import { rootServiceId, serviceId } from "../../src/protocol/serviceId.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { blockcloudDomain } from "../../src/protocol/typedData.ts";
import { localDeviceKey } from "../../src/provider/subservice/localDevice.ts";
import type { Flow } from "../../src/sal/session/flow.ts";
import { CliRig, parts, PROBE } from "../support/cliRig.ts";
import { salUser } from "../support/salUser.ts";
import { until } from "../support/until.ts";

describe("relay run, provider run --relay and expose", () => {
  let rig: CliRig;
  let echo: Server;
  let upstream: Upstream;
  const workers: WorkerProcess[] = [];
  /** `host:port` of the relays. */
  const relays: string[] = [];
  const users: ReturnType<typeof salUser>[] = [];

  before(async () => {
    rig = await CliRig.start();
    const { code, stderr } = await rig.cli(
      `service register --stake 1000 --probe '${PROBE}' --service-key-file service.key --wallet-key-file wallet.key --yes`,
    );
    expect(code, stderr).to.equal(0);
    // It is active two epochs later.
    await rig.epochs(2);
    echo = createServer((socket) => {
      socket.on("error", () => {});
      socket.pipe(socket);
    });
    echo.listen(0, "127.0.0.1");
    await once(echo, "listening");
    upstream = await startUpstream((_, response) => response.end("sunny"));
    for (const number of [1, 2]) {
      const relay = launch(`relay-${number}`, ["relay", "run", "--listen", "127.0.0.1:0"]);
      const { names } = await relay.logged("relay listens");
      relays.push((names as string[])[0] ?? "");
    }
  });
  after(async () => {
    for (const { client } of users) client.close();
    for (const worker of workers) await worker.kill();
    echo?.close();
    await upstream?.stop();
    await rig?.stop();
  });

  function launch(name: string, args: string[], env: Record<string, string> = {}): WorkerProcess {
    const worker = new WorkerProcess({
      name,
      args: [
        ...args,
        ...["--state", path.join(rig.folder, name), "--rpc", rig.devnet.rpcUrl],
        ...["--deployment", path.join(rig.folder, "devnet.json")],
      ],
      env,
      logFile: path.join(rig.folder, `${name}.log`),
    });
    workers.push(worker);
    return worker;
  }

  const echoPort = () => (echo.address() as AddressInfo).port;
  const coral = ["--coral-listen", "/ip4/127.0.0.1/tcp/0", "--allow-loopback"];

  /** A flow to port `to` of a service behind the first relay. */
  async function reach(id: `0x${string}`, key: `0x${string}`, to: number): Promise<Flow> {
    const { contracts, chainId } = rig.devnet.deployment;
    const user = salUser({
      ...{ serviceId: id, key: hexToBytes(key), port: 1 },
      domain: blockcloudDomain(BigInt(chainId), contracts.registry),
    });
    users.push(user);
    user.locator.publish({ endpoints: relays.map((relay) => `sal://${relay}?relay`) });
    return user.client.connect("service", to);
  }

  /** Sends a text over the flow, and waits until it has come back. */
  async function says(text: string, flow: Flow): Promise<void> {
    flow.on("error", () => {});
    let back = "";
    flow.on("data", (chunk: Buffer) => {
      back += chunk.toString();
    });
    flow.write(text);
    await until("the echo is whole", () => back === text);
  }

  it("lead clients to a provider, over the second relay when the first was killed", async () => {
    const provider = launch(
      "provider",
      [
        ...["provider", "run", "--service", "1", "--upstream", upstream.url],
        ...["--listen", "127.0.0.1:0", "--port", `7=tcp:127.0.0.1:${echoPort()}`],
        ...["--relay", ...relays, ...coral],
      ],
      { BLOCKCLOUD_WALLET_KEY: parts.wallet.key, BLOCKCLOUD_SERVICE_KEY: parts.service.key },
    );
    // No private address is published beside them.
    const { endpoints } = await provider.logged("endpoint published");
    const both = relays.map((relay) => `sal://${relay}?relay`);
    expect(both).to.include.members(endpoints as string[]);
    await provider.logged("provider started");
    const flow = await reach(rootServiceId(1n), parts.service.key, 7);
    await says("before", flow);
    await workers[0]?.kill();
    await provider.logged("a relay was lost");
    const { endpoints: left } = await provider.logged("service moved");
    expect(left).to.deep.equal(both.slice(1));
    await says("after", flow);
  });

  it("expose a local port as a sub-service, without a transaction", async () => {
    const sent = await rig.sent(parts.wallet.address);
    const port = echoPort();
    const exposed = launch(
      "expose",
      ["expose", String(port), "--under", "1", "--relay", relays[1] ?? "", ...coral],
      { BLOCKCLOUD_SERVICE_KEY: parts.service.key },
    );
    await exposed.logged("a relay leads clients here");
    const key = localDeviceKey(hexToBytes(parts.service.key), 1n, `port ${port}`);
    const id = serviceId({ prefix: 1n, group: 0, self: addressOfKey(key) });
    await says("hello", await reach(id, key, port));
    expect(await rig.sent(parts.wallet.address)).to.equal(sent);
  });

  it("expose refuses another key than the service's", async () => {
    const other = await rig.cli(
      "expose 3000 --under 1 --relay 127.0.0.1:1 --service-key-file stranger.key --json",
    );
    expect(other.code).not.to.equal(0);
    expect(other.stdout + other.stderr).to.contain("SERVICE_KEY_OTHER");
  });
});
