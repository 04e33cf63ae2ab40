import { expect } from "chai";
import { randomBytes } from "node:crypto";
import { rejection } from "../support/rejection.ts";
import type { Located } from "../../src/sal/client/locator.ts";
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

  it("dials again at once when the host's network changes while it dials", async () => {
    await rig.open();
    rig.net.silent.add("198.51.100.1:443");
    rig.cut();
    await rig.clock.advance(300);
    expect(rig.moves).to.have.length(0);
    rig.net.silent.clear();
    rig.client.sessions[0]?.reconsider("interfaces");
    await rig.clock.advance(100);
    expect(rig.moves.map(({ reason }) => reason)).to.deep.equal(["interfaces"]);
  });

  it("dials again after a second if nothing comes back", async () => {
    await rig.open();
    rig.net.silent.add("198.51.100.1:443");
    rig.cut();
    await rig.clock.advance(500);
    rig.net.silent.clear();
    await rig.clock.advance(700);
    expect(rig.moves).to.have.length(1);
  });

  it("dials again while a lookup takes long, and takes its result up later", async () => {
    await rig.open();
    const lookup = Promise.withResolvers<Located>();
    rig.locator.relocate = () => lookup.promise;
    const unlisten = rig.net.listen("198.51.100.1:443", (link) => {
      link.destroy();
    });
    rig.cut();
    await rig.clock.advance(200);
    expect(rig.moves).to.have.length(0);
    rig.move();
    unlisten();
    await rig.clock.advance(200);
    expect(rig.moves).to.have.length(0);
    lookup.resolve(rig.locator.located);
    await rig.clock.advance(100);
    expect(rig.moves.map(({ endpoint }) => endpoint)).to.deep.equal(["sal://198.51.100.2:443"]);
  });

  it("goes on at the known place while a lookup takes long", async () => {
    await rig.open();
    rig.locator.relocate = () => new Promise(() => {});
    rig.net.listen("198.51.100.1:443", (link) => {
      link.destroy();
    });
    rig.cut();
    await rig.clock.advance(200);
    expect(rig.moves).to.have.length(0);
    rig.net.listen("198.51.100.1:443", rig.accept);
    await rig.clock.advance(500);
    expect(rig.moves).to.have.length(1);
  });

  it("ends its flows with an error when the provider's process was replaced", async () => {
    const flow = await rig.open();
    const got = collect(flow);
    rig.provider = rig.createProvider();
    rig.cut();
    await rejection("SAL_SESSION_LOST", rig.clock.play(got));
  });
});
