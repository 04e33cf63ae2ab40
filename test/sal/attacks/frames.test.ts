import { expect } from "chai";
import { FLOW_CREDIT } from "../../../src/sal/session/credit.ts";
import type { Flow } from "../../../src/sal/session/flow.ts";
import { frameSize } from "../../../src/sal/wire/encode.ts";
import { FrameType, MAX_CONTROL, MAX_DATA } from "../../../src/sal/wire/frames.ts";
import { RawClient } from "../rig/rawClient.ts";
import { ECHO, echo, SalRig } from "../rig/salRig.ts";

/** Port of a service that never reads. */
const DEAF = 8;
const BREACH = "SAL_PROTOCOL";

describe("a client that breaks the rules of frames", () => {
  let rig: SalRig;
  let client: RawClient;
  let deaf: Flow | undefined;

  beforeEach(async () => {
    const ports = {
      [ECHO]: echo,
      [DEAF]: (flow: Flow) => {
        deaf = flow;
        return Promise.resolve();
      },
    };
    rig = new SalRig({ ports });
    client = await RawClient.begun(rig);
    client.open(1, DEAF);
    await client.next(FrameType.opened);
  });
  afterEach(async () => {
    expect(rig.provider.sessions).to.equal(0);
    rig.stop();
    await rig.clock.advance(20_000);
    expect([rig.provider.flows, rig.net.open.length, rig.clock.waiting]).to.deep.equal([0, 0, 0]);
  });

  const raw = (bytes: number[]) => () => {
    client.link.write(Buffer.from(bytes));
  };
  const breaches: Record<string, () => void> = {
    "DATA beyond the credit": () => {
      client.send(FrameType.data, 1, Buffer.alloc(FLOW_CREDIT));
      client.send(FrameType.data, 1, Buffer.alloc(1));
    },
    "DATA after FIN": () => {
      client.send(FrameType.fin, 1);
      client.send(FrameType.data, 1, Buffer.alloc(1));
    },
    "FIN twice": () => {
      client.send(FrameType.fin, 1);
      client.send(FrameType.fin, 1);
    },
    "DATA for a flow that was never opened": () => {
      client.send(FrameType.data, 2, Buffer.alloc(1));
    },
    "WINDOW for a flow that was never opened": () => {
      client.sendNumber(FrameType.window, 2, 100_000);
    },
    "FIN for a flow that was never opened": () => {
      client.send(FrameType.fin, 2);
    },
    "RESET of a flow that was never opened": () => {
      client.send(FrameType.reset, 2, Buffer.of(1));
    },
    "DATA for flow 0": () => {
      client.send(FrameType.data, 0, Buffer.alloc(1));
    },
    "OPEN with a used number": () => {
      client.open(1, ECHO);
    },
    "OPEN with a lower number": () => {
      client.open(9, ECHO);
      client.open(8, ECHO);
    },
    "OPEN of flow 0": () => {
      client.open(0, ECHO);
    },
    "OPEN without a port": () => {
      client.send(FrameType.open, 2, Buffer.of(0));
    },
    "a flow's number of 8 bytes": raw([FrameType.data, 0xc0, 0, 0, 0, 0, 0, 0, 2, 0]),
    "a length of 8 bytes": raw([FrameType.data, 1, 0xc0, 0, 0, 0, 0, 0, 0, 1, 0]),
    "DATA larger than a frame may be": raw([FrameType.data, 1, 0x80, 1, 0, 1]),
    "a control frame larger than it may be": () => {
      client.send(FrameType.ping, 0, Buffer.alloc(MAX_CONTROL + 1));
    },
    "an unknown ordered type": () => {
      client.send(0x3f, 0);
    },
    "an unknown unordered type": () => {
      client.send(0x7f, 0);
    },
    "a second HELLO": () => {
      client.send(FrameType.hello, 0, Buffer.alloc(34, 1));
    },
    "a second BEGIN": () => {
      client.begin();
    },
    "RESUME within a session": () => {
      client.resume(client);
    },
    "what only a provider may say": () => {
      client.send(FrameType.opened, 1);
    },
    "ACK beyond what was sent": () => {
      client.sendNumber(FrameType.ack, 0, 1_000_000);
    },
    "ACK of the highest number": () => {
      client.sendNumber(FrameType.ack, 0, Number.MAX_SAFE_INTEGER);
    },
    "ACK of 2^62": () => {
      client.send(FrameType.ack, 0, Buffer.alloc(8, 0xff));
    },
    "ACK without a number": () => {
      client.send(FrameType.ack, 0);
    },
    "ACK with bytes after the number": () => {
      client.send(FrameType.ack, 0, Buffer.of(0, 0));
    },
    "WINDOW without a number": () => {
      client.send(FrameType.window, 1);
    },
    "PROVE with a short nonce": () => {
      client.send(FrameType.prove, 0, Buffer.alloc(31));
    },
  };
  for (const [what, commit] of Object.entries(breaches)) {
    it(`is told so, and its session ends, after ${what}`, async () => {
      let failure: Error | undefined;
      deaf?.on("error", (error) => {
        failure = error;
      });
      commit();
      expect(await client.ended()).to.equal(BREACH);
      expect(failure).to.have.property("code", BREACH);
    });
  }
});

describe("frames that are strange and allowed", () => {
  let rig: SalRig;
  let client: RawClient;

  beforeEach(async () => {
    rig = new SalRig();
    client = await RawClient.begun(rig);
  });
  afterEach(async () => {
    client.open(1_000, ECHO);
    await rig.clock.until(() => client.frames.some(({ flow }) => flow === 1_000));
    expect(client.isClosed).to.equal(false);
    rig.stop();
  });

  it("an unknown type is skipped if it is optional, and counts if it is ordered", async () => {
    client.send(0xc1, 3, Buffer.alloc(100));
    client.send(0x81, 3, Buffer.alloc(100));
    const { payload } = await client.next(FrameType.ack);
    expect(payload.readUInt16BE() & 0x3fff).to.equal(frameSize(3, 100));
  });

  it("a window may be as large as a number can be, and never shrinks", async () => {
    client.open(1, ECHO);
    client.sendNumber(FrameType.window, 1, Number.MAX_SAFE_INTEGER);
    client.sendNumber(FrameType.window, 1, 0);
    client.send(FrameType.data, 1, Buffer.alloc(MAX_DATA - 1));
    await rig.clock.until(
      () => client.frames.filter(({ type }) => type === FrameType.data).length > 0,
    );
  });

  it("frames of a flow that ended a moment ago are ignored: they were under way", async () => {
    client.open(1, ECHO);
    await client.next(FrameType.opened);
    client.send(FrameType.reset, 1, Buffer.of(1));
    client.send(FrameType.data, 1, Buffer.alloc(10));
    client.sendNumber(FrameType.window, 1, 10);
    client.send(FrameType.fin, 1);
    client.send(FrameType.reset, 1, Buffer.of(1));
    await rig.clock.until(() => rig.provider.flows === 0);
  });

  it("frames of refused flows are ignored: they were under way", async () => {
    client.open(1, 99);
    client.send(FrameType.data, 1, Buffer.alloc(10));
    client.send(FrameType.fin, 1);
    client.send(FrameType.reset, 1, Buffer.of(1));
    client.sendNumber(FrameType.window, 1, 10);
    await rig.clock.until(() => client.resetOf(1) !== undefined);
    expect(client.resetOf(1)).to.equal("PORT_REFUSED");
  });

  it("UDP and other protocols are refused by name", async () => {
    client.open(1, ECHO, 1);
    client.open(2, ECHO, 77);
    await rig.clock.until(() => client.resetOf(2) !== undefined);
    expect([client.resetOf(1), client.resetOf(2)]).to.deep.equal([
      "UDP_UNSUPPORTED",
      "UDP_UNSUPPORTED",
    ]);
  });

  it("an offset may be acknowledged again, and a lower one changes nothing", async () => {
    client.open(1, ECHO);
    const { size } = await client.next(FrameType.opened);
    client.sendNumber(FrameType.ack, 0, size);
    client.sendNumber(FrameType.ack, 0, 0);
    client.sendNumber(FrameType.ack, 0, size);
  });
});
