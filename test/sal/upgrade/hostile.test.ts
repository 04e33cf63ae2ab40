import { expect } from "chai";
import fc from "fast-check";
import { BlockcloudError } from "../../../src/protocol/errors.ts";
import { encodeResume } from "../../../src/sal/handshake/messages.ts";
import {
  CandidateKind,
  decodeCandidates,
  decodePunch,
  encodeCandidates,
  encodePunch,
  type Candidate,
} from "../../../src/sal/upgrade/candidates.ts";
import { FrameType } from "../../../src/sal/wire/frames.ts";
import { OTHER_KEY } from "../rig/salRig.ts";
import { RawClient } from "../rig/rawClient.ts";
import { RawProvider } from "../rig/rawProvider.ts";
import { UpgradeRig, type UpgradeRigOptions } from "./upgradeRig.ts";

const PUNCH = "8.8.2.2:40002";

/** Eight public places, others each time. */
function places(round: number, kind: Candidate["kind"] = CandidateKind.mapped): Candidate[] {
  return Array.from({ length: 8 }, (_, at) => ({
    kind,
    address: `8.8.${round % 256}.${at}`,
    port: 5_000,
  }));
}

describe("peers and relays that misuse direct paths", () => {
  let rig: UpgradeRig;

  afterEach(() => {
    rig.stop();
  });

  function start(options: UpgradeRigOptions = {}): void {
    rig = new UpgradeRig(options);
  }

  /** A session with a provider that keeps to no rule. */
  async function withRawProvider(): Promise<RawProvider> {
    const all = RawProvider.replace(rig.sal);
    const opening = rig.sal.client.connect("weather", 7);
    await rig.clock.until(() => all[0]?.has(FrameType.open) === true);
    const [provider] = all;
    if (provider === undefined) throw new Error("nobody came");
    provider.send(FrameType.opened, 1);
    const flow = await rig.clock.play(opening);
    flow.on("error", () => {});
    return provider;
  }

  function offer(provider: RawProvider, candidates: Candidate[]): void {
    provider.send(
      FrameType.candidates,
      0,
      encodeCandidates({ attempt: 0, noPunch: 0, candidates }),
    );
  }

  describe("a provider", () => {
    it("that sends lists without end makes its client try few of them", async () => {
      start();
      const provider = await withRawProvider();
      for (let round = 0; round < 600; round++) {
        offer(provider, places(round));
        await rig.clock.advance(100);
      }
      // Half of the tries of a minute at once, and the other half within it; a try is one list.
      expect(rig.dialled.length).to.be.within(8, 8 * 10);
      expect(rig.sal.client.sessions).to.have.length(1);
    });

    it("makes it dial nothing that the rules forbid: private, reserved, its own, low ports", async () => {
      start();
      const provider = await withRawProvider();
      const forbidden = [
        ["10.0.0.1", 5_000],
        ["192.168.7.9", 5_000],
        ["127.0.0.1", 5_000],
        ["169.254.169.254", 5_000],
        ["224.0.0.1", 5_000],
        ["::1", 5_000],
        ["fe80::1", 5_000],
        ["::ffff:10.0.0.1", 5_000],
        ["2001:db8::1", 5_000],
        ["8.8.8.8", 1_023],
        ["8.8.8.8", 22],
        ["8.8.8.8", 0],
        ["8.8.8.8", 6_667],
      ] as const;
      for (const kind of Object.values(CandidateKind)) {
        for (const [address, port] of forbidden) {
          offer(provider, [{ kind, address, port }]);
          await rig.clock.advance(20);
        }
      }
      expect([...rig.dialled, ...rig.punched]).to.deep.equal([]);
      expect(new Set(rig.sal.stays).size).to.equal(1);
      expect(rig.sal.stays[0]).to.include("no place that may be dialled");
    });

    it("with --lan at the client leads it to no network but its own, and not to the host itself", async () => {
      start({ clientSettings: { lan: true } });
      const provider = await withRawProvider();
      for (const address of ["192.168.8.9", "10.0.0.1", "127.0.0.1", "192.168.7.2"]) {
        offer(provider, [{ kind: CandidateKind.lan, address, port: 5_000 }]);
        await rig.clock.advance(20);
      }
      expect(rig.dialled).to.deep.equal([]);
      offer(provider, [{ kind: CandidateKind.lan, address: "192.168.7.9", port: 5_000 }]);
      await rig.clock.advance(20);
      expect(rig.dialled).to.deep.equal(["192.168.7.9 5000"]);
    });

    it("that names more places than a list may have breaks the protocol", async () => {
      start();
      const provider = await withRawProvider();
      offer(provider, [...places(0), ...places(1)]);
      await rig.clock.until(() => provider.isClosed);
      expect(rig.sal.client.sessions).to.deep.equal([]);
      expect(rig.dialled).to.deep.equal([]);
    });

    it("that names places of others gets its session to none of them: they have no receipt", async () => {
      start({ places: [{ kind: CandidateKind.mapped, address: "8.8.3.3", port: 5_000 }] });
      const strangers: RawProvider[] = [];
      rig.open("8.8.3.3:5000", (link) => {
        const stranger = new RawProvider(rig.sal, link);
        stranger.onHello = (nonce) => {
          stranger.hello(nonce, { key: OTHER_KEY });
        };
        strangers.push(stranger);
      });
      const flow = await rig.sal.open();
      await rig.clock.until(() => rig.sal.stays.length > 0);
      expect(strangers).to.have.length(1);
      expect(strangers[0]?.has(FrameType.resume)).to.equal(false);
      flow.write("unharmed");
      await rig.clock.until(() => flow.readableLength > 0);
      expect(rig.paths).to.deep.equal([]);
    });

    it("whose list is of an older link leads nowhere", async () => {
      start();
      const provider = await withRawProvider();
      const list = { attempt: 1, noPunch: 0, candidates: places(1) };
      provider.send(FrameType.candidates, 0, encodeCandidates(list));
      await rig.clock.advance(1_000);
      expect(rig.dialled).to.deep.equal([]);
    });
  });

  describe("a client", () => {
    /** A session over a relay of a client that keeps to no rule. */
    async function relayed(): Promise<RawClient> {
      const connecting = RawClient.begun(rig.sal);
      const last = rig.sal.net.last;
      last.far.relayed = rig.sal.net.ends;
      return rig.clock.play(connecting);
    }

    it("that sends PUNCH without end makes the provider dial once, and only where its relay says", async () => {
      start();
      const raw = await relayed();
      for (let round = 0; round < 1_000; round++) raw.send(FrameType.punch, 0, encodePunch(0));
      await rig.clock.advance(60_000);
      expect(rig.providerDialled.map(({ to }) => to)).to.deep.equal([rig.sal.net.ends.visitor]);
    });

    it("that begins sessions without end makes it dial few times a minute, in all", async () => {
      start();
      for (let round = 0; round < 40; round++) {
        rig.sal.net.ends = {
          ...rig.sal.net.ends,
          visitor: { address: `8.8.1.${round % 4}`, port: 40_000 + round },
        };
        const raw = await relayed();
        raw.send(FrameType.punch, 0, encodePunch(0));
        await rig.clock.advance(10);
      }
      const most = 10 + Math.ceil(rig.clock.monotonic() / 6_000);
      expect(rig.providerDialled).to.have.length.within(10, most);
      expect(rig.providerDialled.length).to.be.below(40);
    });

    it("that is not at a relay, or names another link, makes it dial nothing", async () => {
      start();
      const direct = await rig.clock.play(RawClient.begun(rig.sal));
      direct.send(FrameType.punch, 0, encodePunch(0));
      const other = await relayed();
      other.send(FrameType.punch, 0, encodePunch(3));
      await rig.clock.advance(1_000);
      expect(rig.providerDialled).to.deep.equal([]);
      expect([direct.isClosed, other.isClosed]).to.deep.equal([false, false]);
    });
  });

  describe("a relay", () => {
    for (const [address, port] of [
      ["10.0.0.1", 5_000],
      ["127.0.0.1", 5_000],
      ["192.168.7.9", 5_000],
      ["8.8.8.8", 443],
      ["not an address", 5_000],
    ] as const) {
      it(`that says that a visitor is at ${address}, port ${port}, makes nobody dial`, async () => {
        start();
        rig.sal.net.ends = { ...rig.sal.net.ends, visitor: { address, port } };
        const flow = await rig.sal.open();
        await rig.clock.until(() => rig.sal.stays.length > 0);
        expect([...rig.punched, ...rig.providerDialled]).to.deep.equal([]);
        flow.write("unharmed");
        await rig.clock.until(() => flow.readableLength > 0);
      });
    }

    it("that says a forbidden place of the provider makes no client dial it", async () => {
      start();
      rig.sal.net.ends = { ...rig.sal.net.ends, self: { address: "10.0.0.1", port: 5_000 } };
      await rig.sal.open();
      await rig.clock.until(() => rig.sal.stays.length > 0);
      expect([...rig.punched, ...rig.providerDialled]).to.deep.equal([]);
    });

    it("that forges a return over the link that was kept open ends that link, and nothing else", async () => {
      start();
      rig.open(PUNCH);
      const flow = await rig.sal.open();
      await rig.clock.until(() => rig.paths.at(-1) === "punched");
      const { near } = rig.sal.net.dialled[0] ?? rig.sal.net.last;
      const forged = { session: Buffer.alloc(16), attempt: 9, received: 0, mac: Buffer.alloc(32) };
      const length = encodeResume(forged).length;
      near.write(
        Buffer.concat([Buffer.of(FrameType.resume, 0, 0x40, length), encodeResume(forged)]),
      );
      await rig.clock.until(() => near.isClosed);
      flow.write("unharmed");
      await rig.clock.until(() => flow.readableLength > 0);
      expect(rig.paths).to.deep.equal(["punched"]);
    });
  });

  it("frames of any bytes are read, or break the protocol", () => {
    start();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        for (const decode of [decodeCandidates, decodePunch]) {
          try {
            decode(Buffer.from(bytes));
          } catch (error) {
            if (!(error instanceof BlockcloudError)) throw error;
            expect(error.code).to.equal("SAL_PROTOCOL");
          }
        }
      }),
    );
  });

  it("lists are read as they were written", () => {
    start();
    const address = fc.oneof(
      fc.ipV4(),
      fc.ipV6().map((text) => new URL(`http://[${text}]`).hostname.slice(1, -1)),
    );
    const one = fc.record({
      kind: fc.constantFrom(...Object.values(CandidateKind)),
      address,
      port: fc.nat(65_535),
    });
    const list = fc.record({
      attempt: fc.maxSafeNat(),
      noPunch: fc.nat(255),
      candidates: fc.array(one, { maxLength: 8 }),
    });
    fc.assert(
      fc.property(list, (each) => {
        const read = decodeCandidates(encodeCandidates(each));
        const plain = (text: string) =>
          text.includes(":") ? new URL(`http://[${text}]`).hostname.slice(1, -1) : text;
        expect({
          ...read,
          candidates: read.candidates.map((found) => ({ ...found, address: plain(found.address) })),
        }).to.deep.equal(each);
      }),
    );
  });
});
