import { expect } from "chai";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { DnsRig, framed, queryFor } from "../../support/dnsRig.ts";
import { answerOf } from "../../support/fakeResolver.ts";
import { untilClosed } from "../../support/httpClient.ts";

describe("DNS over TCP", () => {
  let rig: DnsRig;
  const start = async (limits: Record<string, number> = {}) => {
    rig = new DnsRig({ limits });
    rig.resolver.set("weather.bloc.alt", answerOf(7n));
    await rig.start();
  };
  afterEach(() => rig.stop());

  const connected = async (): Promise<Socket> => {
    const socket = connect(rig.port, "127.0.0.1");
    await once(socket, "connect");
    return socket;
  };
  const query = (id: number, name = "weather.bloc.alt") => framed(queryFor({ id, name }));
  const idsOf = (answers: Buffer[]) => answers.map((answer) => answer.readUInt16BE()).sort();

  it("answers many queries of one connection, however they are cut", async () => {
    await start();
    const all = Buffer.concat([1, 2, 3, 4, 5].map((id) => query(id)));
    expect(idsOf(await rig.overTcp(all, 5))).to.deep.equal([1, 2, 3, 4, 5]);
    const socket = await connected();
    for (const byte of query(6)) {
      socket.write(Buffer.of(byte));
      await new Promise(setImmediate);
    }
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.readUInt16BE(2)).to.equal(6);
    socket.destroy();
  });

  it("answers a client that has closed its half after its last query, then closes", async () => {
    await start();
    const { promise, resolve: open } = Promise.withResolvers<undefined>();
    rig.resolver.gate = promise;
    const socket = connect({ port: rig.port, host: "127.0.0.1", allowHalfOpen: true });
    socket.end(Buffer.concat([query(1), query(2, "other.bloc.alt")]));
    const answered = untilClosed(socket);
    while (rig.resolver.asked.length < 2) await new Promise(setImmediate);
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
    open(undefined);
    const said = Buffer.from(await answered, "latin1");
    const first = said.readUInt16BE(0);
    expect([said.readUInt16BE(2), said.readUInt16BE(first + 4)].sort()).to.deep.equal([1, 2]);
    // Half a query is none, and the client cannot send the rest.
    const half = connect({ port: rig.port, host: "127.0.0.1", allowHalfOpen: true });
    half.end(query(3).subarray(0, 9));
    expect(await untilClosed(half)).to.equal("");
  });

  it("sends responses as they are ready, out of order (RFC 7766, 6.2.1.1)", async () => {
    await start();
    await rig.overTcp(query(1));
    const { promise, resolve: open } = Promise.withResolvers<undefined>();
    rig.resolver.gate = promise;
    const socket = await connected();
    socket.write(Buffer.concat([query(2, "slow.bloc.alt"), query(3)]));
    const [first] = (await once(socket, "data")) as [Buffer];
    expect(first.readUInt16BE(2)).to.equal(3);
    open(undefined);
    const [second] = (await once(socket, "data")) as [Buffer];
    expect(second.readUInt16BE(2)).to.equal(2);
    socket.destroy();
  });

  it("looks up only so much for one connection at a time, and forgets none of the rest", async () => {
    await start({ maxPipelined: 2 });
    const { promise, resolve: open } = Promise.withResolvers<undefined>();
    rig.resolver.gate = promise;
    const names = [1, 2, 3, 4, 5].map((id) => query(id, `n${id}.bloc.alt`));
    const answers = rig.overTcp(Buffer.concat(names), 5);
    while (rig.resolver.asked.length < 2) await new Promise(setImmediate);
    await new Promise(setImmediate);
    expect(rig.resolver.asked).to.have.length(2);
    open(undefined);
    expect(idsOf(await answers)).to.deep.equal([1, 2, 3, 4, 5]);
  });

  it("lets go of a connection that says nothing", async () => {
    await start({ idleMs: 20 });
    expect(await untilClosed(await connected())).to.equal("");
  });

  it("lets go of one that speaks too slowly, though it never is silent", async () => {
    await start();
    const socket = await connected();
    socket.write(Buffer.of(0));
    // The answer to another connection says that this one's byte was read.
    await rig.overTcp(query(1));
    rig.timers.pass(10_001);
    socket.write(Buffer.of(30));
    expect(await untilClosed(socket)).to.equal("");
  });

  it("cuts a client that asks and does not read", async () => {
    await start({ idleMs: 200 });
    const socket = await connected();
    socket.on("error", () => {});
    socket.pause();
    const many = Buffer.concat(Array.from({ length: 2_000 }, (_, id) => query(id)));
    const flood = (error?: Error | null) => {
      if (error === undefined || error === null) socket.write(many, flood);
    };
    flood();
    // Nothing that it says is read while its answers wait, so that it becomes idle.
    await new Promise((resolve) => socket.once("close", resolve));
  });

  it("has so many connections, and so many of one address", async () => {
    await start({ maxPerPeer: 2 });
    const open = [await connected(), await connected()];
    expect(await untilClosed(await connected())).to.equal("");
    open[0]!.destroy();
    await once(open[0]!, "close");
    let answers: Buffer[] = [];
    while (answers.length === 0) answers = await rig.overTcp(query(1)).catch(() => []);
    expect(idsOf(answers)).to.deep.equal([1]);
    open[1]!.destroy();
  });

  it("closes everything when it stops", async () => {
    await start();
    const socket = await connected();
    await rig.overTcp(query(1));
    await rig.front.stop();
    expect(await untilClosed(socket)).to.equal("");
  });
});
