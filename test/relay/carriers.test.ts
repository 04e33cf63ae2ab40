import { expect } from "chai";
import { once } from "node:events";
import { CARRIER_PING, readCarrier } from "../../src/sal/relay/carrier.ts";
import { RelayFrame } from "../../src/sal/relay/frames.ts";
import { until } from "../support/until.ts";
import { clientHello, VisitorRig } from "./visitorRig.ts";

describe("connections of a provider to its relay", () => {
  let rig: VisitorRig;

  beforeEach(async () => {
    rig = await VisitorRig.start();
  });
  afterEach(() => rig.stop());

  it("with a token that nobody knows, that was used, or that is late lead nowhere", async () => {
    const provider = await rig.raw();
    await provider.refused(Buffer.alloc(16, 3));
    const token = await provider.token();
    await provider.carry(token);
    await until("it waits", () => rig.relay.spares === 1, 1);
    await provider.refused(token);
    const late = await provider.token();
    await rig.clock.advance(10_000);
    await provider.refused(late);
    expect(rig.relay.spares).to.equal(1);
  });

  it("that do not answer a ping are dropped, and asked for anew", async () => {
    const provider = await rig.raw();
    const dead = await provider.carry(await provider.token());
    const alive = await provider.carry(await provider.token());
    alive.on("data", (chunk: Buffer) => {
      alive.write(Buffer.alloc(chunk.length, CARRIER_PING));
    });
    await until("both wait", () => rig.relay.spares === 2, 1);
    const closed = once(dead.resume(), "close");
    // The provider itself would be silent for too long otherwise.
    for (let at = 0; at < 45; at += 3) {
      provider.control.send(RelayFrame.ping);
      const answered = alive.bytesWritten;
      await rig.clock.advance(3_000);
      if (at % 15 === 12) {
        await until("it has answered", () => alive.bytesWritten > answered, 1);
      }
      await new Promise(setImmediate);
    }
    await closed;
    expect(rig.relay.spares).to.equal(1);
    expect(alive.destroyed).to.equal(false);
    expect(await provider.token()).to.have.lengthOf(16);
  });

  it("that say something before a visitor is there are closed", async () => {
    const provider = await rig.raw();
    const socket = await provider.carry(await provider.token());
    const closed = once(socket.resume(), "close");
    socket.write("early");
    await closed;
    expect(rig.relay.spares).to.equal(0);
  });

  it("tell the visitor's address with a MAC, which nobody else can make", async () => {
    const provider = await rig.raw();
    const token = await provider.token();
    const socket = await provider.carry(token);
    await until("it waits", () => rig.relay.spares === 1, 1);
    const visitor = await rig.connect();
    const hello = await clientHello();
    visitor.write(hello);
    const [bytes] = (await once(socket, "data")) as [Buffer];
    const read = readCarrier(bytes, token, provider.key);
    expect(read.ends?.visitor).to.deep.equal({ address: "127.0.0.1", port: visitor.localPort });
    expect(read.rest.equals(hello)).to.equal(true);
    const altered = Buffer.from(bytes);
    altered[20] = (altered[20] ?? 0) ^ 1;
    expect(() => readCarrier(altered, token, provider.key)).to.throw();
    expect(() => readCarrier(bytes, Buffer.alloc(16), provider.key)).to.throw();
    expect(() => readCarrier(bytes, token, Buffer.alloc(32))).to.throw();
    visitor.destroy();
  });
});
