import { expect } from "chai";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import type { WorkerProcess } from "../../devnet/worker.ts";
import type { Flow } from "../../src/sal/session/flow.ts";
import { AgentRig, ECHO, says } from "../support/agentRig.ts";
import { ask } from "../support/httpClient.ts";
import { until } from "../support/until.ts";

const HELD = new URL("../support/held.mjs", import.meta.url).href;

describe("a socket that systemd passes to each agent", () => {
  let rig: AgentRig;
  let port = 0;
  /** All of them have the socket from the beginning, as systemd has it: it is never closed. */
  const agents: WorkerProcess[] = [];
  let flow: Flow;

  before(async () => {
    rig = await AgentRig.start();
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    ({ port } = server.address() as AddressInfo);
    // Node has no way to give a listening socket to a process that is no Node of its own.
    const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
    for (let count = 0; count < 3; count++) {
      const options = { env: { NODE_OPTIONS: `--import=${HELD}` }, passed: [fd] };
      const agent = rig.provider(["--listen", "fd:3", "--take-over"], options);
      agents.push(agent);
      await agent.logged("held");
    }
    server.close();
  });
  after(async () => {
    flow?.on("error", () => {});
    await rig?.stop();
  });

  async function begin(agent: WorkerProcess | undefined): Promise<void> {
    if (agent?.pid !== undefined) process.kill(agent.pid, "SIGUSR2");
    expect((await agent?.logged("Gateway listens"))?.port).to.equal(port);
    await agent?.logged("provider started");
  }

  it("takes clients while no agent runs, who wait for it", async () => {
    const early = ask({ port });
    early.catch(() => undefined);
    await begin(agents[0]);
    expect((await early).body.toString()).to.equal("sunny");
    const user = rig.user([`sal://127.0.0.1:${port}`]);
    flow = await user.client.connect("service", ECHO);
    await says("before", flow);
  });

  it("loses no connection while one agent takes the place of another", async () => {
    const next = agents[1];
    let isOver = false;
    let answers = 0;
    const asking = (async () => {
      while (!isOver) {
        const { status, body } = await ask({ port });
        expect([status, body.toString()]).to.deep.equal([200, "sunny"]);
        answers += 1;
      }
    })();
    await begin(next);
    await agents[0]?.logged("another process serves new clients");
    const before = answers;
    await until("the new agent has answered", () => answers > before + 20);
    isOver = true;
    await asking;
    await says("goes on", flow);
  });

  it("waits for the next agent when the last one has stopped", async () => {
    flow.end();
    await once(flow.resume(), "close");
    await until("the first has ended", () => agents[0]?.running === false);
    await agents[1]?.stop();
    const early = ask({ port });
    early.catch(() => undefined);
    await begin(agents[2]);
    expect((await early).body.toString()).to.equal("sunny");
  });
});
