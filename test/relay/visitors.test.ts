import { expect } from "chai";
import { once } from "node:events";
import { readCarrier } from "../../src/sal/relay/carrier.ts";
import { RelayFrame } from "../../src/sal/relay/frames.ts";
import { until } from "../support/until.ts";
import { spared } from "./rig.ts";
import { clientHello, QUOTA, SILENT, UNKNOWN, VisitorRig } from "./visitorRig.ts";

describe("visitors of a relay", () => {
  let rig: VisitorRig;

  beforeEach(async () => {
    rig = await VisitorRig.start();
  });
  afterEach(() => rig.stop());

  it("get the same first bytes over another connection when one gives nothing", async () => {
    const provider = await rig.raw();
    const tokens = [await provider.token(), await provider.token()] as const;
    const first = await provider.carry(tokens[0]);
    await until("one waits", () => rig.relay.spares === 1, 1);
    const second = await provider.carry(tokens[1]);
    await until("both wait", () => rig.relay.spares === 2, 1);
    const hello = await clientHello();
    const visitor = await rig.connect();
    visitor.write(hello);
    const [one] = (await once(first, "data")) as [Buffer];
    const again = once(second, "data");
    await rig.clock.advance(200);
    const [two] = (await again) as [Buffer];
    expect(readCarrier(one, tokens[0], provider.key).rest.equals(hello)).to.equal(true);
    expect(readCarrier(two, tokens[1], provider.key).rest.equals(hello)).to.equal(true);
    second.write("answer");
    const closed = once(first.resume(), "close");
    const [answer] = (await once(visitor, "data")) as [Buffer];
    expect(answer.toString()).to.equal("answer");
    await closed;
    visitor.destroy();
  });

  it("are told when the provider is silent", async () => {
    const provider = await rig.raw();
    await provider.token();
    const dialled = rig.dial();
    const refusal = rig.refusal(dialled);
    await until("it waits for the provider", () => rig.relay.visitors === 1, 1);
    await rig.clock.advance(10_000);
    expect(await refusal).to.equal(SILENT);
    await until("it has left", () => rig.relay.visitors === 0, 1);
  });

  it("that wait are led to the process that takes their provider's place", async () => {
    const next = rig.provider();
    await rig.raw({ instance: next.provider.instance });
    const visitor = rig.dial();
    const outcome = Promise.race([
      once(visitor, "secureConnect").then(() => "led"),
      rig.refusal(visitor),
    ]);
    await until("the visitor waits", () => rig.relay.visitors === 1, 1);
    await next.start();
    expect(await outcome).to.equal("led");
    visitor.destroy();
  });

  it("whose connection ends with the old process are led to the next one, too", async () => {
    const next = rig.provider();
    const old = await rig.raw({ instance: next.provider.instance });
    const carrier = await old.carry(await old.token());
    await spared(rig, 1);
    const visitor = rig.dial();
    const outcome = Promise.race([
      once(visitor, "secureConnect").then(() => "led"),
      rig.refusal(visitor),
    ]);
    await once(carrier, "data");
    await next.start();
    carrier.destroy();
    expect(await outcome).to.equal("led");
    visitor.destroy();
  });

  it("whose connection ends when no process is left are told so at once", async () => {
    const provider = await rig.raw();
    const carrier = await provider.carry(await provider.token());
    await spared(rig, 1);
    const refusal = rig.refusal(rig.dial());
    await once(carrier, "data");
    provider.close();
    await until("the reservation is over", () => rig.relay.reservations === 0, 1);
    carrier.destroy();
    expect(await refusal).to.equal(UNKNOWN);
  });

  it("are told when the provider takes no more, and do not press it", async () => {
    const provider = await rig.raw();
    const dialled = rig.dial();
    const refusal = rig.refusal(dialled);
    await until("it waits for the provider", () => rig.relay.visitors === 1, 1);
    provider.control.send(RelayFrame.decline, await provider.token());
    expect(await refusal).to.equal(QUOTA);
    const asked = provider.tokens.length;
    provider.control.send(RelayFrame.decline, await provider.token());
    await rig.clock.advance(500);
    expect(provider.tokens.length, "no new token").to.be.below(asked + 1);
  });

  it("that leave before the provider has answered are forgotten", async () => {
    const provider = await rig.raw();
    const socket = rig.dial();
    await until("it waits for the provider", () => rig.relay.visitors === 1, 1);
    socket.destroy();
    await until("it has left", () => rig.relay.visitors === 0, 1);
    expect(rig.relay.waiting).to.equal(0);
    // Its connection waits for the next one.
    await provider.carry(await provider.token());
    await until("it waits", () => rig.relay.spares === 1, 1);
  });
});
