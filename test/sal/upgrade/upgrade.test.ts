import { expect } from "chai";
import { CandidateKind } from "../../../src/sal/upgrade/candidates.ts";
import type { Flow } from "../../../src/sal/session/flow.ts";
import { pattern } from "../rig/random.ts";
import { UpgradeRig, type UpgradeRigOptions } from "./upgradeRig.ts";

/** Where the relay sees the provider's end. */
const PUNCH = "8.8.2.2:40002";
const IPV6 = { kind: CandidateKind.ipv6, address: "2a00:1::7", port: 8443 };
const MAPPED = { kind: CandidateKind.mapped, address: "8.8.2.2", port: 4443 };
const LAN = { kind: CandidateKind.lan, address: "192.168.7.9", port: 8443 };

describe("a session that began at a relay", () => {
  let rig: UpgradeRig;

  afterEach(() => {
    rig.stop();
  });

  function start(options: UpgradeRigOptions = {}): void {
    rig = new UpgradeRig(options);
  }

  /** What a flow's echo gives back comes whole, and in order. */
  async function echoes(flow: Flow, text: string): Promise<void> {
    let heard = "";
    const listen = (chunk: Buffer) => {
      heard += chunk.toString();
    };
    flow.on("data", listen);
    flow.write(text);
    await rig.clock.until(() => heard.length >= text.length);
    flow.off("data", listen);
    expect(heard).to.equal(text);
  }

  const arrives = (path: string) => rig.clock.until(() => rig.paths.at(-1) === path);

  it("goes on over IPv6 before all else, then over a mapped port, then over a punched path", async () => {
    start({ places: [MAPPED, IPV6] });
    const flow = await rig.sal.open();
    rig.open("2a00:1::7:8443");
    rig.open("8.8.2.2:4443");
    rig.open(PUNCH);
    await arrives("ipv6");
    await echoes(flow, "over IPv6");
    expect(rig.sal.client.sessions[0]?.path).to.deep.equal({ kind: "ipv6", whyRelayed: undefined });
    rig.stop();

    start({ places: [MAPPED, IPV6] });
    await rig.sal.open();
    rig.open("8.8.2.2:4443");
    rig.open(PUNCH);
    await arrives("mapped");
    rig.stop();

    start({ places: [MAPPED, IPV6] });
    await rig.sal.open();
    rig.open(PUNCH);
    await arrives("punched");
    expect(rig.dialled).to.have.members(["2a00:1::7 8443", "8.8.2.2 4443"]);
  });

  it("is punched by both sides: each dials what its own side told, from the port of its relayed link", async () => {
    start();
    rig.open(PUNCH);
    await rig.sal.open();
    await arrives("punched");
    expect(rig.punched).to.deep.equal(["8.8.2.2 40002"]);
    expect(rig.providerDialled.map(({ to, localPort }) => [to, localPort])).to.deep.equal([
      [{ address: "8.8.1.1", port: 40_001 }, 50_000],
    ]);
  });

  it("goes back over the relay's open link when the direct path ends, without a handshake", async () => {
    start();
    rig.open(PUNCH);
    const flow = await rig.sal.open();
    await arrives("punched");
    await echoes(flow, "punched");
    // Nobody takes new connections any more: only the link that is open is left.
    rig.sal.move(() => {});
    const before = rig.clock.monotonic();
    rig.sal.net.last.near.cut();
    await arrives("relay");
    // PING and PONG, RESUME and RESUMED: four ways of 5 ms.
    expect(rig.clock.monotonic() - before).to.be.at.most(20);
    await echoes(flow, "over the relay again");
  });

  it("goes on over both links until the direct one must have caught up, and no byte comes twice", async () => {
    start();
    rig.open(PUNCH);
    const flow = await rig.sal.open();
    let stalledAt = NaN;
    rig.sal.net.onDial = ({ far }) => {
      if (far.relayed !== undefined) return;
      // Just after RESUMED: as with a TCP that begins slowly, nothing comes for some round trips.
      rig.clock.after(21, () => {
        stalledAt = rig.clock.monotonic();
        far.isStalled = true;
      });
      rig.clock.after(61, () => {
        far.resume();
      });
    };
    const sent = pattern(12, 400_000);
    const chunks: Buffer[] = [];
    let length = 0;
    let heardAt = rig.clock.monotonic();
    let widest = 0;
    flow.on("data", (chunk: Buffer) => {
      widest = Math.max(widest, rig.clock.monotonic() - heardAt);
      heardAt = rig.clock.monotonic();
      chunks.push(chunk);
      length += chunk.length;
    });
    let at = 0;
    const more = () => {
      flow.write(sent.subarray(at, at + 2_000));
      at += 2_000;
      if (at < sent.length) rig.clock.after(1, more);
    };
    more();
    await rig.clock.until(() => length === sent.length);
    expect(Buffer.concat(chunks).equals(sent)).to.equal(true);
    expect(rig.paths).to.deep.equal(["punched"]);
    expect(stalledAt).to.be.below(heardAt);
    // Of the 40 ms in which the direct path gives nothing, the flow notices nothing.
    expect(widest).to.be.below(20);
  });

  it("goes back over it when the direct path falls silent", async () => {
    start();
    rig.open(PUNCH);
    const flow = await rig.sal.open();
    await arrives("punched");
    const { near, far } = rig.sal.net.last;
    near.isStalled = true;
    far.isStalled = true;
    // Both links are used until the direct one must have caught up.
    const moves = rig.sal.moves.length;
    await echoes(flow, "over the relay's link, which is used a moment longer");
    expect(rig.sal.moves).to.have.lengthOf(moves);
    await rig.clock.advance(1_000);
    await echoes(flow, "into the void, and back");
    expect(rig.paths.at(-1)).to.equal("relay");
    expect(rig.sal.moves.at(-1)?.reason).to.equal("silence");
  });

  it("goes back when the direct path fails just after the provider went over to it", async () => {
    start();
    rig.open(PUNCH);
    rig.sal.net.onDial = ({ far }) => {
      if (far.relayed !== undefined) return;
      // The provider's greeting has come, and the answer to RESUME has not.
      rig.clock.after(12, () => {
        far.isStalled = true;
      });
    };
    const flow = await rig.sal.open();
    await echoes(flow, "neither here nor there");
    await rig.clock.until(() => rig.sal.moves.length > 0);
    await echoes(flow, "back again");
    expect(rig.paths).to.deep.equal(["relay"]);
    expect(rig.sal.provider.sessions).to.equal(1);
  });

  it("stays on the direct path when its relay is lost", async () => {
    start();
    rig.open(PUNCH);
    const flow = await rig.sal.open();
    await arrives("punched");
    rig.sal.net.dialled[0]?.near.cut();
    await echoes(flow, "still direct");
    await rig.clock.advance(60_000);
    expect(rig.paths).to.deep.equal(["punched"]);
  });

  it("tries again with another port after some time, if nothing else works, and each time later", async () => {
    start();
    const flow = await rig.sal.open();
    await rig.clock.advance(4_000);
    expect(rig.punched).to.have.length(1);
    expect(rig.sal.client.sessions[0]?.path.kind).to.equal("relay");
    await rig.clock.advance(5_000);
    // Another link to the relay, with another port.
    expect(rig.sal.moves.map(({ reason }) => reason)).to.deep.equal(["upgrade"]);
    expect(rig.punched).to.have.length(2);
    await rig.clock.advance(60_000);
    expect(rig.punched).to.have.length(3);
    rig.open(PUNCH);
    await rig.clock.advance(90_000);
    expect(rig.punched).to.have.length(4);
    expect(rig.paths.at(-1)).to.equal("punched");
    await echoes(flow, "at last");
  });

  it("does not try again without flows", async () => {
    start();
    const flow = await rig.sal.open();
    await rig.clock.advance(4_000);
    flow.end();
    flow.resume();
    await rig.clock.advance(200_000);
    expect(rig.punched).to.have.length(1);
  });

  it("stays on the relay if either side wants that, and says why", async () => {
    start({ providerSettings: { relayOnly: true }, places: [IPV6] });
    await rig.sal.open();
    await rig.clock.until(() => rig.sal.stays.length > 0);
    expect(rig.sal.client.sessions[0]?.path.whyRelayed).to.include("provider stays on its relay");
    expect([...rig.dialled, ...rig.punched]).to.deep.equal([]);
  });

  describe("whose two ends are behind one address", () => {
    const ends = {
      visitor: { address: "8.8.1.1", port: 40_001 },
      self: { address: "8.8.1.1", port: 40_002 },
    };

    it("stays on the relay, and says what allows a path", async () => {
      start({ places: [LAN] });
      rig.sal.net.ends = ends;
      await rig.sal.open();
      await rig.clock.until(() => rig.sal.stays.length > 0);
      expect(rig.sal.stays[0]).to.include("--lan");
      expect([...rig.dialled, ...rig.punched]).to.deep.equal([]);
    });

    it("goes on within their network if both sides allow it", async () => {
      start({ places: [LAN], clientSettings: { lan: true }, providerSettings: { lan: true } });
      rig.sal.net.ends = ends;
      rig.open("192.168.7.9:8443");
      const flow = await rig.sal.open();
      await arrives("lan");
      await echoes(flow, "at home");
    });

    it("tells no address of its network to a visitor from elsewhere", async () => {
      start({ places: [LAN], clientSettings: { lan: true }, providerSettings: { lan: true } });
      await rig.sal.open();
      await rig.clock.advance(4_000);
      expect(rig.dialled).to.deep.equal([]);
    });
  });
});
