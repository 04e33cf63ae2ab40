import { expect } from "chai";
import { once } from "node:events";
import type { Socket } from "node:net";
import { readCarrier } from "../../src/sal/relay/carrier.ts";
import { pattern } from "../sal/rig/random.ts";
import { until } from "../support/until.ts";
import type { RawProvider } from "./rawProvider.ts";
import { clientHello, QUOTA, VisitorRig } from "./visitorRig.ts";

/** More than the kernel keeps for two connections on loopback. */
const LENGTH = 24_000_000;
const BOUND = 600_000;

/** A visitor's connection, joined with one of the provider. */
interface Pair {
  visitor: Socket;
  provider: Socket;
}

describe("what waits in a relay", () => {
  let rig: VisitorRig;
  let hello: Buffer;

  before(async () => {
    hello = await clientHello();
  });
  afterEach(() => rig.stop());

  async function join(raw: RawProvider): Promise<Pair> {
    const token = await raw.token();
    const provider = await raw.carry(token);
    const visitor = await rig.connect();
    visitor.write(hello);
    const [first] = (await once(provider, "data")) as [Buffer];
    expect(readCarrier(first, token, raw.key).rest.equals(hello)).to.equal(true);
    provider.write("joined");
    const [answer] = (await once(visitor, "data")) as [Buffer];
    expect(answer.toString()).to.equal("joined");
    visitor.pause();
    // The relay asks for another connection in the place of this one.
    await rig.clock.advance(20);
    return { visitor, provider };
  }

  /** Reads on until all of some bytes have come. */
  async function reads(socket: Socket, sent: Buffer): Promise<void> {
    const chunks: Buffer[] = [];
    let length = 0;
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
    });
    socket.resume();
    await until("all is there", () => length === sent.length);
    expect(Buffer.concat(chunks).equals(sent)).to.equal(true);
  }

  it("is bounded: at the bound no visitor is added, all pairs go on, and nothing is cut", async () => {
    rig = await VisitorRig.start({ queuedBytes: BOUND, queuedBytesPerPeer: 0 });
    const raw = await rig.raw();
    const pairs = [await join(raw), await join(raw), await join(raw)];
    const busy = await join(raw);
    const sent = pattern(8, LENGTH);
    for (const { provider } of pairs) provider.write(sent);
    await until("it is full", () => rig.relay.queued >= BOUND, 1);
    expect(await rig.refusal(rig.dial())).to.equal(QUOTA);
    // A pair may have added what it read last: 256 KiB at most.
    expect(rig.relay.queued).to.be.below(BOUND + 2 * 256 * 1024);
    const other = pattern(9, 3_000_000);
    busy.provider.write(other);
    await reads(busy.visitor, other);
    busy.visitor.write(other);
    await reads(busy.provider, other);
    for (const { visitor } of pairs) await reads(visitor, sent);
    await until("nothing waits", () => rig.relay.queued === 0, 1);
    const { visitor, provider } = await join(raw);
    for (const each of [...pairs, busy]) expect(each.visitor.destroyed).to.equal(false);
    visitor.destroy();
    await once(provider, "close");
  });

  it("is bounded for the providers of one address", async () => {
    rig = await VisitorRig.start({ queuedBytes: 0, queuedBytesPerPeer: 100_000 });
    const raw = await rig.raw();
    const { visitor, provider } = await join(raw);
    const sent = pattern(10, LENGTH);
    provider.write(sent);
    await until("it is full", () => rig.relay.queued >= 100_000, 1);
    expect(await rig.refusal(rig.dial())).to.equal(QUOTA);
    await reads(visitor, sent);
  });

  it("is given back when its pair is gone", async () => {
    rig = await VisitorRig.start({ queuedBytes: 100_000, queuedBytesPerPeer: 0 });
    const raw = await rig.raw();
    const { visitor, provider } = await join(raw);
    provider.write(pattern(11, LENGTH));
    await until("it is full", () => rig.relay.queued >= 100_000, 1);
    provider.on("error", () => {});
    visitor.resetAndDestroy();
    await until("nothing waits", () => rig.relay.queued === 0, 1);
    await join(raw);
  });
});
