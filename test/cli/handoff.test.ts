import { expect } from "chai";
import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import path from "node:path";
import { startUpstream, type Upstream } from "../../devnet/upstreams.ts";
import { WorkerProcess } from "../../devnet/worker.ts";
import { hexToBytes } from "../../src/protocol/bytes.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { blockcloudDomain } from "../../src/protocol/typedData.ts";
import type { Flow } from "../../src/sal/session/flow.ts";
import { CliRig, parts, PROBE } from "../support/cliRig.ts";
import { ask } from "../support/httpClient.ts";
import { salUser } from "../support/salUser.ts";
import { until } from "../support/until.ts";

describe("provider run --take-over", () => {
  let rig: CliRig;
  let echo: Server;
  let upstream: Upstream;
  let user: ReturnType<typeof salUser>;
  let flow: Flow;
  let port: number;
  const agents: WorkerProcess[] = [];
  const moves: string[] = [];

  before(async () => {
    rig = await CliRig.start();
    const { code, stderr } = await rig.cli(
      `service register --probe '${PROBE}' --service-key-file service.key --wallet-key-file wallet.key --yes`,
    );
    expect(code, stderr).to.equal(0);
    echo = createServer((socket) => {
      socket.on("error", () => {});
      socket.pipe(socket);
    });
    echo.listen(0, "127.0.0.1");
    await once(echo, "listening");
    upstream = await startUpstream((_, response) => response.end("sunny"));
  });
  after(async () => {
    flow?.on("error", () => {});
    user?.client.close();
    for (const agent of agents) await agent.kill();
    echo.close();
    await upstream?.stop();
    await rig?.stop();
  });

  function start(...more: string[]): WorkerProcess {
    const { port: echoPort } = echo.address() as AddressInfo;
    const agent = new WorkerProcess({
      name: "provider",
      args: [
        ...["provider", "run", "--service", "1", "--upstream", upstream.url],
        ...["--listen", "127.0.0.1:0", "--coral-listen", "/ip4/127.0.0.1/tcp/0"],
        ...["--port", `7=tcp:127.0.0.1:${echoPort}`, "--state", path.join(rig.folder, "state")],
        ...["--deployment", path.join(rig.folder, "devnet.json"), "--rpc", rig.devnet.rpcUrl],
        ...["--allow-loopback", "--metrics", "127.0.0.1:0", ...more],
      ],
      env: { BLOCKCLOUD_WALLET_KEY: parts.wallet.key, BLOCKCLOUD_SERVICE_KEY: parts.service.key },
      logFile: path.join(rig.folder, `agent-${agents.length}.log`),
    });
    agents.push(agent);
    return agent;
  }

  /** Sends a text over the flow, and waits until it has come back. */
  async function says(text: string, over: Flow = flow): Promise<void> {
    let back = "";
    const take = (chunk: Buffer) => {
      back += chunk.toString();
    };
    over.on("data", take);
    over.write(text);
    await until("the echo is whole", () => back === text);
    over.off("data", take);
  }

  it("serves a flow", async () => {
    const first = start();
    port = Number((await first.logged("Gateway listens")).port);
    await first.logged("provider started");
    const { contracts, chainId } = rig.devnet.deployment;
    user = salUser(
      {
        serviceId: rootServiceId(1n),
        key: hexToBytes(parts.service.key),
        domain: blockcloudDomain(BigInt(chainId), contracts.registry),
        port,
      },
      { observer: { moved: ({ reason }) => moves.push(reason) } },
    );
    flow = await user.client.connect("service", 7);
    await says("before");
  });

  it("refuses a second agent without the flag", async () => {
    const other = start();
    await until("the second agent has ended", () => !other.running);
    expect(other.lastError).to.contain("runs already");
  });

  it("replaces the agent at its port, and cuts nobody off", async () => {
    const [old] = agents;
    const successor = start("--take-over");
    expect(Number((await successor.logged("Gateway listens")).port)).to.equal(port);
    await old?.logged("another process serves new clients");
    await successor.logged("provider started");
    await says("the same flow");
    expect(moves).to.deep.equal([]);
    expect((await ask({ port })).body.toString()).to.equal("sunny");
  });

  it("serves new flows in the new process", async () => {
    const another = await user.client.connect("service", 7);
    await says("a new flow", another);
    expect(user.client.sessions).to.have.lengthOf(2);
    another.destroy();
  });

  it("goes on through the new process when the flow's connection breaks", async () => {
    for (const session of user.client.sessions) session.reconsider("interfaces");
    await until("both sessions have moved", () => moves.length === 2);
    await says("over another connection");
  });

  it("ends the old process when its last flow has ended", async () => {
    const [old] = agents;
    flow.end();
    await once(flow, "close");
    await until("the old process has ended", () => old?.running === false);
    expect(old?.exitCode).to.equal(0);
  });
});
