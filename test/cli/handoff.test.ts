import { expect } from "chai";
import { once } from "node:events";
import type { WorkerProcess } from "../../devnet/worker.ts";
import type { BlockcloudError } from "../../src/protocol/errors.ts";
import type { Flow } from "../../src/sal/session/flow.ts";
import { AgentRig, ECHO, says, starts } from "../support/agentRig.ts";
import { ask } from "../support/httpClient.ts";
import { until } from "../support/until.ts";

const DIE_AT = new URL("../support/dieAt.mjs", import.meta.url).href;
/** More steps than a handoff has. */
const MANY = 100;

describe("provider run --take-over", () => {
  let rig: AgentRig;
  let user: ReturnType<AgentRig["user"]>;
  let flow: Flow;
  /** Where the service is from the first process on. */
  let port = 0;
  const moves: string[] = [];

  before(async () => {
    rig = await AgentRig.start();
  });
  after(async () => {
    flow?.on("error", () => {});
    await rig?.stop();
  });

  /** @param step The step of a handoff at which the process dies, in its part. */
  function startDying(part: "old" | "new", step: number): WorkerProcess {
    return launch({ DIE_AS: part, DIE_AT: String(step) }, ["--take-over"]);
  }

  /** @param step The step of its start in another process's place at which the process halts. */
  function startHalting(step: number): WorkerProcess {
    return launch({ DIE_AS: "new", DIE_AT: String(step), DIE_BY: "SIGSTOP" }, ["--take-over"]);
  }

  function launch(env: Record<string, string>, more: string[]): WorkerProcess {
    return start(more, { ...env, NODE_OPTIONS: `--import=${DIE_AT}` });
  }

  function start(more: string[] = [], env: Record<string, string> = {}): WorkerProcess {
    const metrics = ["--metrics", "127.0.0.1:0"];
    return rig.provider(["--listen", `127.0.0.1:${port}`, ...metrics, ...more], { env });
  }

  /** The first process, and the one that has the duties. */
  const first = () => rig.workers[0];
  const newest = () => rig.workers.findLast(({ running }) => running);

  it("serves a flow", async () => {
    const agent = start();
    port = Number((await agent.logged("Gateway listens")).port);
    await agent.logged("provider started");
    const observer = { moved: ({ reason }: { reason: string }) => moves.push(reason) };
    user = rig.user([`sal://127.0.0.1:${port}`], {}, { observer });
    flow = await user.client.connect("service", ECHO);
    await says("before", flow);
  });

  it("refuses a second agent without the flag", async () => {
    const other = start();
    await until("the second agent has ended", () => !other.running);
    expect(other.lastError).to.contain("runs already");
  });

  it("replaces the agent at its port, and cuts nobody off", async () => {
    const old = first();
    const successor = start(["--take-over"]);
    expect(Number((await successor.logged("Gateway listens")).port)).to.equal(port);
    await old?.logged("another process serves new clients");
    await successor.logged("provider started");
    await says("the same flow", flow);
    expect(moves).to.deep.equal([]);
    expect((await ask({ port })).body.toString()).to.equal("sunny");
  });

  it("serves new flows in the new process", async () => {
    const another = await user.client.connect("service", ECHO);
    await says("a new flow", another);
    expect(user.client.sessions).to.have.lengthOf(2);
    another.destroy();
  });

  it("goes on through the new process when the flow's connection breaks", async () => {
    for (const session of user.client.sessions) session.reconsider("interfaces");
    await until("both sessions have moved", () => moves.length === 2);
    await says("over another connection", flow);
  });

  it("ends the old process when its last flow has ended", async () => {
    const old = first();
    flow.end();
    await once(flow, "close");
    await until("the old process has ended", () => old?.running === false);
    expect(old?.exitCode).to.equal(0);
  });

  /** How a flow ended. */
  const endOf = (each: Flow) =>
    new Promise<string>((resolve) => {
      each.on("error", () => {});
      each.once("close", () => {
        resolve((each.errored as BlockcloudError | null)?.code ?? "whole");
      });
    });

  it("goes on with its flows at whichever step the new process dies", async () => {
    flow = await user.client.connect("service", ECHO);
    await says("before", flow);
    let steps = 0;
    for (let step = 1; step < MANY; step++) {
      const dying = startDying("new", step);
      const isUp = await starts(dying);
      await says(`after step ${step}`, flow);
      if (isUp) break;
      steps = step;
    }
    expect(steps).to.be.greaterThan(4);
    const successor = newest();
    const another = await user.client.connect("service", ECHO);
    await says("the next process serves", another);
    another.destroy();
    expect(successor?.running).to.equal(true);
  }).timeout(600_000);

  it("tells every flow what became of it at whichever step the old process dies", async () => {
    let steps = 0;
    let dying = startDying("old", 1);
    await dying.logged("provider started");
    for (let step = 1; step < MANY; step++) {
      const old = dying;
      const mine = await user.client.connect("service", ECHO);
      const end = endOf(mine);
      await says("a flow of the process that dies", mine);
      dying = startDying("old", step + 1);
      const successor = dying;
      await starts(successor);
      if (old.running) {
        await says("it lives", mine);
        mine.destroy();
        break;
      }
      steps = step;
      if (!successor.running) {
        expect(successor.lastError).to.contain("HANDOFF_FAILED");
        dying = startDying("old", step + 1);
        await dying.logged("provider started");
      }
      expect(await end).to.equal("SAL_SESSION_LOST");
    }
    expect(steps).to.be.greaterThan(4);
  }).timeout(600_000);

  it("is replaced by one of two processes that want its place, at whichever step the slower one is", async () => {
    flow.destroy();
    for (const agent of rig.workers) await agent.kill();
    await start().logged("provider started");
    let steps = 0;
    for (let step = 1; step < MANY; step++) {
      const mine = await user.client.connect("service", ECHO);
      await says("a flow of the one that is replaced", mine);
      const slow = startHalting(step);
      const isHalted = await Promise.race([
        slow.logged("halted").then(() => true),
        slow.logged("provider started").then(() => false),
      ]);
      if (!isHalted) {
        mine.destroy();
        break;
      }
      steps = step;
      const fast = start(["--take-over"]);
      const isFirst = await starts(fast);
      slow.resume();
      const isSecond = await starts(slow);
      for (const [agent, serves] of [
        [fast, isFirst],
        [slow, isSecond],
      ] as const) {
        if (!serves) expect(agent.lastError).to.match(/WORKER_RUNNING|HANDOFF_FAILED/);
      }
      expect([isFirst, isSecond], `step ${step}`).to.include(true);
      await until("one process has the duties", async () => (await rig.states()).serving === 1);
      await says("goes on", mine);
      const another = await user.client.connect("service", ECHO);
      await says("the winner serves", another);
      another.destroy();
      mine.destroy();
      await until("the others have ended", async () => (await rig.states()).others === 0);
    }
    expect(steps).to.be.greaterThan(4);
  }).timeout(600_000);
});
