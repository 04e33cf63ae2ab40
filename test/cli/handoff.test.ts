import { expect } from "chai";
import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import path from "node:path";
import { startUpstream, type Upstream } from "../../devnet/upstreams.ts";
import { WorkerProcess } from "../../devnet/worker.ts";
import { hexToBytes } from "../../src/protocol/bytes.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { blockcloudDomain } from "../../src/protocol/typedData.ts";
import type { BlockcloudError } from "../../src/protocol/errors.ts";
import type { Flow } from "../../src/sal/session/flow.ts";
import { CliRig, parts, PROBE } from "../support/cliRig.ts";
import { ask } from "../support/httpClient.ts";
import { salUser } from "../support/salUser.ts";
import { until } from "../support/until.ts";

const DIE_AT = new URL("../support/dieAt.mjs", import.meta.url).href;
/** More steps than a handoff has. */
const MANY = 100;

describe("provider run --take-over", () => {
  let rig: CliRig;
  let echo: Server;
  let upstream: Upstream;
  let user: ReturnType<typeof salUser>;
  let flow: Flow;
  /** Where the service is from the first process on. */
  let port = 0;
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

  /** @param step The step of a handoff at which the process dies, in its part. */
  function startDying(part: "old" | "new", step: number): WorkerProcess {
    const env = { DIE_AS: part, DIE_AT: String(step), NODE_OPTIONS: `--import=${DIE_AT}` };
    return launch(env, ["--take-over"]);
  }

  function start(...more: string[]): WorkerProcess {
    return launch({}, more);
  }

  function launch(env: Record<string, string>, more: string[]): WorkerProcess {
    const { port: echoPort } = echo.address() as AddressInfo;
    const agent = new WorkerProcess({
      name: "provider",
      args: [
        ...["provider", "run", "--service", "1", "--upstream", upstream.url],
        ...["--listen", `127.0.0.1:${port}`, "--coral-listen", "/ip4/127.0.0.1/tcp/0"],
        ...["--port", `7=tcp:127.0.0.1:${echoPort}`, "--state", path.join(rig.folder, "state")],
        ...["--deployment", path.join(rig.folder, "devnet.json"), "--rpc", rig.devnet.rpcUrl],
        ...["--allow-loopback", "--metrics", "127.0.0.1:0", ...more],
      ],
      env: {
        ...{ BLOCKCLOUD_WALLET_KEY: parts.wallet.key, BLOCKCLOUD_SERVICE_KEY: parts.service.key },
        ...env,
      },
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

  /** The process that has the duties, and serves new flows. */
  const newest = () => agents.findLast(({ running }) => running);

  /** How a flow ended. */
  const endOf = (each: Flow) =>
    new Promise<string>((resolve) => {
      each.on("error", () => {});
      each.once("close", () => {
        resolve((each.errored as BlockcloudError | null)?.code ?? "whole");
      });
    });

  it("goes on with its flows at whichever step the new process dies", async () => {
    flow = await user.client.connect("service", 7);
    await says("before");
    let steps = 0;
    for (let step = 1; step < MANY; step++) {
      const dying = startDying("new", step);
      const isUp = await Promise.race([
        dying.logged("provider started").then(() => true),
        until("it has died", () => !dying.running).then(() => false),
      ]).catch(() => false);
      await says(`after step ${step}`);
      if (isUp) break;
      steps = step;
    }
    expect(steps).to.be.greaterThan(4);
    const successor = newest();
    const another = await user.client.connect("service", 7);
    await says("the next process serves", another);
    another.destroy();
    expect(successor?.running).to.equal(true);
  }).timeout(600_000);

  it("tells every flow what became of it at whichever step the old process dies", async () => {
    let steps = 0;
    for (let step = 1; step < MANY; step++) {
      const dying = startDying("old", step);
      await dying.logged("provider started");
      const mine = await user.client.connect("service", 7);
      const end = endOf(mine);
      await says("a flow of the process that dies", mine);
      const successor = start("--take-over");
      await Promise.race([
        successor.logged("provider started"),
        until("it has ended", () => !successor.running),
      ]).catch(() => undefined);
      if (dying.running) {
        await says("it lives", mine);
        mine.destroy();
        break;
      }
      steps = step;
      if (!successor.running) {
        expect(successor.lastError).to.contain("HANDOFF_FAILED");
        await start("--take-over").logged("provider started");
      }
      expect(await end).to.equal("SAL_SESSION_LOST");
    }
    expect(steps).to.be.greaterThan(4);
  }).timeout(600_000);
});
