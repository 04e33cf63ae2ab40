import { expect } from "chai";
import { randomInt } from "node:crypto";
import { rejection } from "../support/rejection.ts";
import { pattern } from "./rig/random.ts";
import { ReplicaRig, type Replica } from "./rig/replicaRig.ts";
import { collect, ECHO } from "./rig/salRig.ts";

/** A transfer of several megabytes that a test disturbs after the first. */
const LENGTH = 3_000_000;

describe("a service with several instances", () => {
  let rig: ReplicaRig;
  let a: Replica;
  let b: Replica;
  let c: Replica;

  function start(seed: number, weights = [1, 1, 1], priorities = [0, 0, 0]): void {
    rig = new ReplicaRig(seed);
    const [first, second, third] = ["a", "b", "c"].map((name, index) =>
      rig.add(name, weights[index], priorities[index]),
    );
    [a, b, c] = [first!, second!, third!];
  }

  afterEach(() => {
    rig.stop();
  });

  /** Opens a flow; gives it and the instance that serves it. */
  async function open() {
    const before = new Map(rig.replicas.map((each) => [each, each.provider.flows]));
    const flow = await rig.clock.play(rig.client.connect("weather", ECHO));
    flow.on("error", () => {});
    const on = rig.replicas.find((each) => each.provider.flows > before.get(each)!);
    if (on === undefined) throw new Error("no instance serves the flow");
    return { flow, on };
  }

  /** Opens a flow and gives it up; gives the instance that served it. */
  async function openAndClose(): Promise<Replica> {
    const { flow, on } = await open();
    flow.destroy();
    await rig.clock.until(() => on.provider.flows === 0);
    return on;
  }

  /** A transfer that has begun; `whole` tells whether all of it came back. */
  async function transfer() {
    const { flow, on } = await open();
    const sent = pattern(1, LENGTH);
    const got = collect(flow);
    got.catch(() => {});
    flow.end(sent);
    await rig.clock.until(() => flow.bytesRead > LENGTH / 3);
    return { on, got, whole: async () => (await rig.clock.play(got)).equals(sent) };
  }

  it("gets new flows by weight", async () => {
    const seed = randomInt(2 ** 31);
    start(seed, [1, 2, 5]);
    const count = new Map<Replica, number>();
    const flows = 800;
    for (let index = 0; index < flows; index++) {
      const on = await openAndClose();
      count.set(on, (count.get(on) ?? 0) + 1);
    }
    for (const [replica, share] of [
      [a, 1 / 8],
      [b, 2 / 8],
      [c, 5 / 8],
    ] as const) {
      // Six standard deviations, and the flows that did not wait for another session.
      const bound = 6 * Math.sqrt(flows * share * (1 - share)) + 3;
      const took = count.get(replica) ?? 0;
      expect(took, `seed ${seed}`).to.be.within(flows * share - bound, flows * share + bound);
    }
    expect(rig.client.sessions.length).to.equal(3);
  });

  it("gives a flow a session that is ready: none waits for another instance", async () => {
    start(3);
    const { on } = await open();
    for (const each of rig.replicas) if (each !== on) each.silence();
    for (let index = 0; index < 20; index++) {
      const beganAt = rig.clock.monotonic();
      expect((await open()).on).to.equal(on);
      // A round trip: no handshake, and no wait for the silent ones.
      expect(rig.clock.monotonic() - beganAt).to.be.at.most(2 * rig.net.wire.latencyMs);
    }
  });

  it("uses the next priority only when all instances of the first are dead", async () => {
    start(4, [1, 1, 1], [0, 0, 7]);
    for (let index = 0; index < 30; index++) expect((await open()).on).not.to.equal(c);
    expect(c.dials).to.equal(0);
    a.crash();
    b.crash();
    const { on } = await open();
    expect(on).to.equal(c);
  });

  it("is reached within 250 ms when the instance that was drawn first is dead", async () => {
    for (const die of ["silence", "crash"] as const) {
      start(5);
      rig.locator.replicas[0]?.[die]();
      rig.locator.replicas[1]?.[die]();
      const beganAt = rig.clock.monotonic();
      const { on } = await open();
      expect(on).to.equal(c);
      // Two dead ones, each passed over in 250 ms, and the handshake's round trips.
      expect(rig.clock.monotonic() - beganAt).to.be.at.most(2 * 250 + 10 * 5);
      if (die === "silence") rig.stop();
    }
  });

  it("does not dial an instance for each flow that was found dead", async () => {
    start(6);
    const on = await openAndClose();
    const [dead, other] = rig.replicas.filter((each) => each !== on);
    dead!.crash();
    const tries = () => rig.net.tried.filter((place) => dead!.uri.endsWith(place)).length;
    for (let index = 0; index < 100; index++) {
      expect(await openAndClose()).not.to.equal(dead);
    }
    expect(tries()).to.be.within(1, 2);
    expect(other!.dials).to.equal(1);
    await rig.clock.advance(10_000);
    for (let index = 0; index < 20; index++) await openAndClose();
    expect(tries()).to.be.within(2, 3);
  });

  it("has a session resumed by its own instance", async () => {
    start(7);
    const { on, whole } = await transfer();
    const dials = new Map(rig.replicas.map((each) => [each, each.dials]));
    rig.base.cut();
    expect(await whole()).to.equal(true);
    expect(rig.at(rig.moves.at(-1)?.endpoint ?? "")).to.equal(on);
    for (const each of rig.replicas) {
      expect(each.dials - dials.get(each)!).to.equal(each === on ? 1 : 0);
    }
  });

  it("is found by the label at an address that all instances share", async () => {
    start(8);
    const place = "203.0.113.1:443";
    // Without a label this address leads to the first instance.
    rig.balance(place, [a, b, c]);
    const shared: Replica = { ...a, uri: `sal://${place}` };
    const { on, whole } = await (async () => {
      rig.publish(b);
      const begun = await transfer();
      rig.publish(shared);
      return begun;
    })();
    expect(on).to.equal(b);
    b.crash();
    rig.locator.tell();
    expect(await whole()).to.equal(true);
    expect(rig.moves.at(-1)?.endpoint).to.equal(shared.uri);
    expect(a.dials).to.equal(0);
  });

  it("is left by an instance: its session goes on at the old address, and new flows go elsewhere", async () => {
    start(9);
    const { flow, on } = await open();
    rig.publish(...rig.replicas.filter((each) => each !== on));
    rig.locator.tell();
    // A session that is ready takes the first flow, while another begins.
    await open();
    await rig.clock.advance(100);
    expect((await open()).on).not.to.equal(on);
    rig.base.cut();
    const got = collect(flow);
    flow.end("still here");
    expect((await rig.clock.play(got)).toString()).to.equal("still here");
    expect(rig.moves.map(({ endpoint }) => rig.at(endpoint))).to.include(on);
  });

  it("loses the sessions of an instance that is gone, and serves the next flow elsewhere at once", async () => {
    start(10);
    const { on, got } = await transfer();
    on.crash();
    const { on: next } = await open();
    expect(next).not.to.equal(on);
    // The record still names it: it may be on its way to another address.
    await rig.clock.advance(30_000);
    rig.publish(...rig.replicas.filter((each) => each !== on));
    await rejection("SAL_SESSION_LOST", rig.clock.play(got));
  });

  it("loses a session when another process has taken its instance's place", async () => {
    start(11);
    const { on, got } = await transfer();
    on.provider = rig.base.createProvider();
    rig.base.cut();
    await rejection("SAL_SESSION_LOST", rig.clock.play(got));
  });

  it("serves a flow elsewhere that waited at an instance which died", async () => {
    start(12);
    const { on } = await open();
    rig.publish(on);
    on.silence();
    const waiting = rig.client.connect("weather", ECHO);
    await rig.clock.advance(1);
    rig.publish(...rig.replicas);
    const flow = await rig.clock.play(waiting);
    flow.on("error", () => {});
    expect(flow.destroyed).to.equal(false);
    expect(on.provider.flows).to.equal(1);
  });

  it("does not move its sessions when other instances come and go", async () => {
    start(13);
    const { on, whole } = await transfer();
    rig.publish(on);
    on.provider.migrate(rig.locator.record);
    expect(await whole()).to.equal(true);
    expect(rig.moves).to.deep.equal([]);
  });
});
