import { expect } from "chai";
import { once } from "node:events";
import type { Flow } from "../../../src/sal/session/flow.ts";
import { ProviderRig } from "../../support/providerRig.ts";
import { rejection } from "../../support/rejection.ts";
import { until } from "../../support/until.ts";
import { ECHO, HandoffRig } from "./rig.ts";

const UPGRADE =
  "GET /socket HTTP/1.1\r\nhost: service\r\nconnection: upgrade\r\nupgrade: websocket\r\n" +
  "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

describe("deployments of a provider", () => {
  let rig: HandoffRig;
  let upstreams: ProviderRig;
  let upstream: URL;

  beforeEach(async () => {
    rig = new HandoffRig();
    upstreams = new ProviderRig();
    upstream = await upstreams.rawUpstream((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => {
        socket.write(
          "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
        );
        socket.on("data", (chunk: Buffer) => socket.write(chunk));
      });
    });
  });
  afterEach(async () => {
    await rig.stop();
    await upstreams.close();
  });

  /** What comes back for a text. */
  async function says(flow: Flow, text: string): Promise<void> {
    let back = "";
    const take = (chunk: Buffer) => {
      back += chunk.toString();
    };
    flow.on("data", take);
    flow.write(text);
    await until(`"${text}" has come back`, () => back.endsWith(text));
    flow.off("data", take);
  }

  it("keep a WebSocket open through ten of them, with one process beside the newest", async () => {
    await rig.start(upstream);
    const { client } = rig.user();
    const socket = await client.connect("service", 80);
    socket.on("error", () => {});
    socket.write(UPGRADE);
    await once(socket, "data");
    await says(socket, "first");
    const [first] = rig.agents;
    for (let n = 1; n <= 10; n++) {
      const newest = await rig.start(upstream);
      await says(socket, `deployment ${n}`);
      const others = rig.agents.filter((agent) => agent !== newest && agent !== first);
      await until("the processes between have ended", () =>
        others.every((each) => each.isFinished),
      );
      expect(newest.handoff.before.tails).to.be.at.most(3);
      for (const agent of others) await agent.stop();
    }
    expect(first?.isFinished).to.equal(false);
    for (const session of client.sessions) session.reconsider("interfaces");
    await says(socket, "through ten processes' successor");
    client.close();
  });

  it("end the oldest of more than three processes, whose flows are told so", async () => {
    const flows: Flow[] = [];
    const ends: string[] = [];
    const users: { close(): void }[] = [];
    for (let n = 0; n < 5; n++) {
      await rig.start(upstream);
      const user = rig.user().client;
      users.push(user);
      const flow = await user.connect("service", ECHO);
      flow.on("error", (error: Error & { code?: string }) => {
        ends.push(`${n} ${error.code}`);
      });
      await says(flow, `flow ${n}`);
      flows.push(flow);
    }
    await until("the first flow has ended", () => ends.length > 0);
    expect(ends).to.deep.equal(["0 HANDOFF_EXPIRED"]);
    for (const [n, flow] of flows.entries()) if (n > 0) await says(flow, "goes on");
    for (const user of users) user.close();
  });

  it("hand over duties before anything else, once and for good", async () => {
    const first = await rig.start(upstream);
    expect(first.steps).to.deep.equal([]);
    await rig.start(upstream);
    expect(first.steps).to.deep.equal(["duties", "lock"]);
    await first.finished;
    expect(first.handoff.status().state).to.equal("tail");
  });

  it("leave the process that runs its duties while the new one cannot reach the chain", async () => {
    const first = await rig.start(upstream);
    rig.hasChain = false;
    await rejection("CHAIN_UNREACHABLE", rig.start(upstream));
    expect(first.steps).to.deep.equal([]);
    expect(first.handoff.status().state).to.equal("serving");
    rig.hasChain = true;
    await rig.start(upstream);
    expect(first.steps).to.deep.equal(["duties", "lock"]);
  });
});
