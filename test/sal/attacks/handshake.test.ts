import { expect } from "chai";
import { randomBytes } from "node:crypto";
import { rootServiceId } from "../../../src/protocol/serviceId.ts";
import { bytesToHex } from "../../../src/protocol/bytes.ts";
import { salError } from "../../../src/sal/errors.ts";
import { encodeClientHello } from "../../../src/sal/handshake/messages.ts";
import { FrameType } from "../../../src/sal/wire/frames.ts";
import { encodeReason } from "../../../src/sal/wire/reason.ts";
import { rejection } from "../../support/rejection.ts";
import { RawClient } from "../rig/rawClient.ts";
import { RawProvider, type Lies } from "../rig/rawProvider.ts";
import { collect, ECHO, OTHER_KEY, SalRig } from "../rig/salRig.ts";

describe("an endpoint that is not the service", () => {
  let rig: SalRig;

  beforeEach(() => {
    rig = new SalRig();
  });
  afterEach(async () => {
    rig.stop();
    await rig.clock.advance(20_000);
    expect([rig.net.open.length, rig.clock.waiting]).to.deep.equal([0, 0]);
  });

  function connect(): Promise<unknown> {
    return rig.clock.play(rig.client.connect("weather", ECHO));
  }

  const lies: Record<string, Lies> = {
    "another key": { key: OTHER_KEY },
    "another service": { serviceId: rootServiceId(8n) },
    "another nonce": { nonce: bytesToHex(Buffer.alloc(32, 1)) },
    "another connection, as one who passes a receipt on": {
      channel: bytesToHex(Buffer.alloc(32, 2)),
    },
  };
  for (const [what, lie] of Object.entries(lies)) {
    it(`is refused with a receipt of ${what}, and learns nothing but a nonce`, async () => {
      const all = RawProvider.replace(rig, (raw) => {
        raw.onHello = (nonce) => {
          raw.hello(nonce, lie);
        };
      });
      await rejection("SAL_PROOF", connect());
      expect(all[0]?.frames.map(({ type }) => type)).to.deep.equal([FrameType.hello]);
    });
  }

  it("cannot pass on the receipt that the service gave it", async () => {
    const truth = rig.accept;
    RawProvider.replace(rig, (raw) => {
      raw.onHello = (nonce) => {
        // A relay that ends TLS itself asks the true provider with the client's nonce.
        const inner = RawClient.connect(rig);
        inner.send(FrameType.hello, 0, encodeClientHello({ nonce, versions: [1] }));
        void inner.next(FrameType.hello).then(({ payload }) => {
          raw.send(FrameType.hello, 0, payload);
        });
      };
    });
    expect(truth).to.be.a("function");
    await rejection("SAL_PROOF", connect());
  });

  it("of tomorrow is told apart from a liar", async () => {
    RawProvider.replace(rig, (raw) => {
      raw.onHello = (nonce) => {
        raw.hello(nonce, {}, 2);
      };
    });
    await rejection("SAL_VERSION", connect());
  });

  it("may be silent for ten seconds, and is no path then", async () => {
    RawProvider.replace(rig, (raw) => {
      raw.onHello = () => {};
    });
    await rejection("SAL_NO_PATH", connect());
    expect(rig.clock.monotonic()).to.be.within(10_000, 11_000);
  });

  it("that speaks early, twice, or out of turn breaks the protocol", async () => {
    for (const act of [
      (raw: RawProvider, nonce: Buffer) => {
        raw.send(FrameType.resumed, 0, nonce);
      },
      (raw: RawProvider) => {
        raw.send(FrameType.hello, 0, Buffer.of(1, 2, 3));
      },
      (raw: RawProvider) => {
        raw.link.write(Buffer.alloc(100, 0xff));
      },
    ]) {
      RawProvider.replace(rig, (raw) => {
        raw.onHello = (nonce) => {
          act(raw, nonce);
        };
      });
      await rejection("SAL_PROTOCOL", connect());
    }
  });

  it("that adds a frame to its greeting does not get a session", async () => {
    RawProvider.replace(rig, (raw) => {
      raw.onHello = (nonce) => {
        raw.hello(nonce);
        raw.send(FrameType.ping);
      };
    });
    await rejection("SAL_PROTOCOL", connect());
  });

  for (const code of ["revoked", "key", "lost", "version", "protocol"] as const) {
    it(`cannot end a session by refusing with ${code} before it has proved anything`, async () => {
      const flow = await rig.open();
      const truth = rig.locator.located.endpoints;
      RawProvider.replace(rig, (raw) => {
        raw.onHello = () => {
          raw.send(FrameType.refused, 0, encodeReason(salError(code, "Go away.")));
        };
      });
      rig.cut();
      await rig.clock.advance(5_000);
      expect(flow.destroyed).to.equal(false);
      expect(rig.moves).to.deep.equal([]);
      // The service comes back.
      rig.move();
      expect(truth).not.to.deep.equal(rig.locator.located.endpoints);
      const got = collect(flow);
      flow.end("still here");
      expect((await rig.clock.play(got)).toString()).to.equal("still here");
    });
  }

  it("with the service's key and without the session cannot go on with it", async () => {
    const flow = await rig.open();
    RawProvider.replace(rig, (raw) => {
      const { frame } = raw;
      raw.frame = (type, id, pieces) => {
        frame.call(raw, type, id, pieces);
        if (type !== FrameType.resume) return;
        raw.send(FrameType.resumed, 0, Buffer.concat([Buffer.of(1, 0), randomBytes(32)]));
      };
    });
    rig.cut();
    await rig.clock.advance(3_000);
    expect(rig.moves).to.deep.equal([]);
    expect(flow.destroyed).to.equal(false);
  });
});

describe("a provider's answer to clients that greet wrongly", () => {
  let rig: SalRig;
  let client: RawClient;

  beforeEach(() => {
    rig = new SalRig();
    client = RawClient.connect(rig);
  });
  afterEach(() => {
    rig.stop();
  });

  const hello = (versions: number[]) => encodeClientHello({ nonce: randomBytes(32), versions });

  it("a client of tomorrow only is told the version", async () => {
    client.send(FrameType.hello, 0, hello([2, 3]));
    expect(await client.ended()).to.equal("SAL_VERSION");
  });

  it("a client of today and tomorrow, which says more, is greeted in today's", async () => {
    client.send(FrameType.hello, 0, Buffer.concat([hello([2, 1]), Buffer.from("more")]));
    const { payload } = await client.next(FrameType.hello);
    expect(payload[0]).to.equal(1);
  });

  for (const [what, payload] of Object.entries({
    "no version": hello([]),
    "too many versions": hello(Array<number>(17).fill(1)),
    "a short nonce": Buffer.alloc(31),
    "fewer versions than announced": Buffer.concat([randomBytes(32), Buffer.of(2, 1)]),
    nothing: Buffer.alloc(0),
  })) {
    it(`a HELLO with ${what} is a breach, and nothing is signed`, async () => {
      client.send(FrameType.hello, 0, payload);
      expect(await client.ended()).to.equal("SAL_PROTOCOL");
      expect(client.frames.length).to.equal(1);
    });
  }

  it("BEGIN before HELLO, of another session, or with a strange proof, is a breach", async () => {
    client.send(FrameType.begin, 0, Buffer.alloc(17));
    expect(await client.ended()).to.equal("SAL_PROTOCOL");
    for (const payload of [
      Buffer.alloc(17),
      Buffer.alloc(16),
      Buffer.concat([Buffer.alloc(16), Buffer.of(2)]),
    ]) {
      const other = await RawClient.greeted(rig);
      other.send(FrameType.begin, 0, payload);
      expect(await other.ended()).to.equal("SAL_PROTOCOL");
    }
    expect(rig.provider.sessions).to.equal(0);
  });

  it("a client that never goes on is refused when its time is over", async () => {
    expect(await client.ended()).to.equal("SAL_TIMEOUT");
    expect(rig.clock.monotonic()).to.be.within(10_000, 10_100);
  });

  it("a refused client that does not read the reason keeps no connection", async () => {
    const { far } = rig.net.last;
    far.isStalled = true;
    client.send(FrameType.hello, 0, hello([]));
    await rig.clock.until(() => far.isClosed);
    expect(rig.clock.monotonic()).to.be.below(11_000);
  });

  it("a provider that leaves tells sessions, and one that has stopped greets nobody", async () => {
    const other = await RawClient.begun(rig);
    rig.provider.leave();
    await other.next(FrameType.goaway);
    other.open(1, ECHO);
    await rig.clock.until(() => other.resetOf(1) !== undefined);
    expect(other.resetOf(1)).to.equal("SAL_LEAVING");
    rig.provider.stop();
    expect(await other.ended()).to.equal("SAL_LEAVING");
    client.send(FrameType.hello, 0, hello([1]));
    expect(await client.ended()).to.equal("SAL_LEAVING");
  });
});
