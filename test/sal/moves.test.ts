import { expect } from "chai";
import { randomBytes } from "node:crypto";
import { rejection } from "../support/rejection.ts";
import { collect, SalRig } from "./rig/salRig.ts";

describe("a session that moves", () => {
  let rig: SalRig;

  beforeEach(() => {
    rig = new SalRig();
  });
  afterEach(() => {
    rig.stop();
  });

  async function transfer(disturb: () => void): Promise<void> {
    const flow = await rig.open();
    const sent = randomBytes(3_000_000);
    const got = collect(flow);
    flow.end(sent);
    await rig.clock.until(() => flow.bytesRead > 1_000_000);
    disturb();
    expect((await rig.clock.play(got)).equals(sent)).to.equal(true);
  }

  it("goes on after its connection broke", async () => {
    await transfer(() => {
      rig.cut();
    });
    expect(rig.moves.map(({ reason }) => reason)).to.deep.equal(["lost"]);
  });

  it("finds a provider that moved without a word", async () => {
    await transfer(() => {
      rig.move();
      rig.cut();
    });
    expect(rig.moves.map(({ endpoint }) => endpoint)).to.deep.equal(["sal://198.51.100.2:443"]);
  });

  it("moves beside a path that became silent", async () => {
    await transfer(() => {
      rig.net.last.near.isStalled = true;
      rig.net.last.far.isStalled = true;
    });
    expect(rig.moves.map(({ reason }) => reason)).to.deep.equal(["silence"]);
  });

  it("follows an announced move without a gap", async () => {
    await transfer(() => {
      rig.move();
      rig.provider.migrate(rig.locator.record);
    });
    expect(rig.moves.map(({ reason }) => reason)).to.deep.equal(["announced"]);
  });

  it("ends its flows with an error when the provider's process was replaced", async () => {
    const flow = await rig.open();
    const got = collect(flow);
    rig.provider = rig.createProvider();
    rig.cut();
    await rejection("SAL_SESSION_LOST", rig.clock.play(got));
  });
});
