import { expect } from "chai";
import { once } from "node:events";
import type { WorkerProcess } from "../../devnet/worker.ts";
import type { Flow } from "../../src/sal/session/flow.ts";
import { AgentRig, ECHO, openWebSocket, says } from "../support/agentRig.ts";
import { until } from "../support/until.ts";

const DEPLOYMENTS = 10;

describe("ten deployments of a provider behind relays", () => {
  let rig: AgentRig;
  let first: WorkerProcess;
  let user: ReturnType<AgentRig["user"]>;
  let socket: Flow;
  const moves: string[] = [];
  const relays: { relay: WorkerProcess; at: string }[] = [];

  before(async () => {
    rig = await AgentRig.start();
    for (const name of ["relay-1", "relay-2"]) relays.push(await rig.relay(name));
  });
  after(() => rig?.stop());

  const start = (...more: string[]) =>
    rig.provider(["--listen", "127.0.0.1:0", "--relay", ...relays.map(({ at }) => at), ...more]);

  it("begin with a WebSocket through a relay", async () => {
    first = start();
    await first.logged("provider started");
    const observer = { moved: ({ reason }: { reason: string }) => moves.push(reason) };
    user = rig.user(
      relays.map(({ at }) => `sal://${at}?relay`),
      {},
      { observer },
    );
    socket = await openWebSocket(user);
    await says("before", socket);
  });

  it("leave the WebSocket to its process, and new flows to the newest one", async () => {
    for (let deployment = 1; deployment <= DEPLOYMENTS; deployment++) {
      const newest = start("--take-over");
      await newest.logged("provider started");
      await says(`deployment ${deployment}`, socket);
      const another = await user.client.connect("service", ECHO);
      await says("a new flow", another);
      another.end();
      await once(another.resume(), "close");
      const { others } = await rig.states();
      expect(others, "tails").to.be.at.most(3);
      await until("the processes between have ended", async () => {
        const { serving, others } = await rig.states();
        return serving === 1 && others === 1;
      });
    }
    expect(first.running).to.equal(true);
  }).timeout(600_000);

  it("and the WebSocket goes on through the newest process when its relay is lost", async () => {
    await relays[0]?.relay.kill();
    await says("over the other relay", socket);
    expect(moves).to.have.lengthOf.at.least(1);
  });

  it("end the first process with the WebSocket", async () => {
    socket.end();
    await once(socket.resume(), "close");
    await until("the first process has ended", () => !first.running);
    expect(first.exitCode).to.equal(0);
  });
});
