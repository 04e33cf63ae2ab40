import { expect } from "chai";
import { once } from "node:events";
import type { Socket } from "node:net";
import { FakeTimers } from "../../support/fakeTime.ts";
import { drained, ProxyRig } from "../../support/proxyRig.ts";
import { settled } from "../../support/settled.ts";
import { until } from "../../support/until.ts";

const NAME = "weather.bloc.alt";
const CONNECT = `CONNECT ${NAME}:80 HTTP/1.1\r\nHost: x\r\n\r\n`;
const get = (path: string) => `GET http://${NAME}${path} HTTP/1.1\r\nHost: x\r\n\r\n`;

describe("what never ends, or is too much, for the proxy", () => {
  let rig: ProxyRig;
  let timers: FakeTimers;

  beforeEach(() => {
    rig = new ProxyRig();
    timers = new FakeTimers();
  });
  afterEach(async () => {
    await timers.play(rig.stop());
  });

  /** Waits until the proxy has read what was sent: it then waits for more, with a timer for each connection. */
  const waiting = (count: number) =>
    settled(() => timers.sleeping).then((now) => {
      expect(now).to.equal(count);
    });

  for (const [kind, beginning] of Object.entries({
    "sends nothing": "",
    "stops in the middle of a SOCKS greeting": "\x05\x02\x00",
    "stops after its SOCKS greeting": "\x05\x01\x00",
    "stops in the middle of a SOCKS request": "\x05\x01\x00\x05\x01\x00\x03\x40weather",
    "stops in the middle of an HTTP head": `GET http://${NAME}/ HTTP/1.1\r\nHost:`,
    "stops in the middle of a CONNECT": CONNECT.slice(0, 20),
  })) {
    it(`a program that ${kind} is cut off when its time is over`, async () => {
      await rig.start({ handshakeMs: 10_000 }, { timers });
      const socket = await rig.connect();
      socket.write(beginning, "latin1");
      const received = drained(socket);
      await waiting(1);
      await timers.advance(9_999);
      expect(socket.destroyed).to.equal(false);
      await timers.advance(1);
      await received;
      expect(rig.refused).to.deep.equal(["PROXY_HANDSHAKE_TIMEOUT"]);
    });
  }

  it("a program that dribbles its head does not get more time", async () => {
    await rig.start({ handshakeMs: 10_000 }, { timers });
    const socket = await rig.connect();
    const received = drained(socket);
    for (let second = 0; second < 10; second++) {
      if (!socket.destroyed) socket.write(second === 0 ? "GET " : "x");
      await settled(() => timers.sleeping);
      await timers.advance(1_000);
    }
    expect((await received).text).to.match(/^(HTTP\/1\.1 408 |$)/);
    expect(rig.refused).to.deep.equal(["PROXY_HANDSHAKE_TIMEOUT"]);
  });

  it("a kept connection is closed when no further request comes", async () => {
    await rig.http(NAME, (_request, response) => response.end("served"));
    await rig.start({ keepAliveMs: 60_000 }, { timers });
    const socket = await rig.connect();
    for (let request = 0; request < 3; request++) {
      socket.write(get("/"));
      await once(socket, "data");
      await waiting(1);
      await timers.advance(59_000);
    }
    const received = drained(socket);
    await timers.advance(1_000);
    expect(await received).to.deep.equal({ text: "", reset: false });
    expect(rig.refused).to.deep.equal([]);
  });

  it("a head that is too long is refused", async () => {
    await rig.start({ maxHeadBytes: 2_048 });
    const { text } = await rig.exchange(
      `GET http://${NAME}/ HTTP/1.1\r\nHost: x\r\nX-Long: ${"x".repeat(4_096)}\r\n\r\n`,
    );
    expect(text).to.match(/^HTTP\/1\.1 431 /);
    expect(rig.dialled).to.deep.equal([]);
  });

  it("a service that is not reached in time is given up", async () => {
    const reasons: unknown[] = [];
    const connectMs = 30_000;
    await rig.start(
      { connectMs },
      {
        timers,
        dial: (_target, signal) =>
          new Promise((_, reject) => {
            signal.addEventListener("abort", () => {
              reasons.push(signal.reason);
              reject(signal.reason as Error);
            });
          }),
      },
    );
    const socks = `\x05\x01\x00\x05\x01\x00\x03${String.fromCharCode(NAME.length)}${NAME}\x00\x50`;
    const answers = [rig.exchange(get("/")), rig.exchange(CONNECT), rig.exchange(socks)];
    await settled(() => timers.sleeping);
    await timers.advance(connectMs);
    // A refused program may still send for a moment.
    await timers.advance(2_000);
    await settled(() => timers.sleeping);
    await timers.advance(200_000);
    const [absolute, tunnel, socks5] = await Promise.all(answers);
    expect(absolute!.text)
      .to.match(/^HTTP\/1\.1 504 /)
      .and.include("PROXY_CONNECT_TIMEOUT");
    expect(tunnel!.text)
      .to.match(/^HTTP\/1\.1 504 /)
      .and.include("PROXY_CONNECT_TIMEOUT");
    expect(socks5!.text.slice(2, 4)).to.equal("\x05\x06");
    expect(reasons).to.have.length(3);
  });

  it("a program that sends too many requests ahead is cut off", async () => {
    const asked: string[] = [];
    await rig.http(NAME, (request) => asked.push(request.url ?? ""));
    await rig.start({ maxPipelined: 4 });
    const socket = await rig.connect();
    socket.write(["/1", "/2", "/3", "/4", "/5"].map(get).join(""));
    await drained(socket);
    expect(rig.refused).to.deep.equal(["PROXY_PIPELINE_FULL"]);
    expect(asked.length).to.be.at.most(1);
  });

  it("one address gets no more than its share, and a closed connection makes room", async () => {
    await rig.start({ maxConnectionsPerPeer: 2 });
    const first = await rig.connect();
    await rig.connect();
    expect((await drained(await rig.connect())).text).to.equal("");
    expect(rig.bounds).to.deep.equal(["peer"]);
    first.destroy();
    await until("the closed connection makes room", async () => {
      return (await rig.exchange("\x05\x01\x02")).text === "\x05\xff";
    });
  });

  it("when all connections are taken, a new one replaces one that asked for nothing", async () => {
    const services: Socket[] = [];
    await rig.tcp(NAME, (socket) => services.push(socket));
    await rig.start({ maxConnections: 2 });
    const busy = await rig.connect();
    busy.write(CONNECT);
    await once(busy, "data");
    const idle = await rig.connect();
    const another = await rig.connect();
    await drained(idle);
    another.write(CONNECT);
    await once(another, "data");
    expect((await drained(await rig.connect())).text).to.equal("");
    expect(rig.bounds).to.deep.equal(["total"]);
    services[0]!.write("still joined");
    expect(String((await once(busy, "data"))[0])).to.equal("still joined");
  });

  it("stopping lets a response finish, and resets one that does not", async () => {
    const held = Promise.withResolvers<() => void>();
    await rig.http(NAME, (request, response) => {
      response.write("part ");
      held.resolve(() => response.end("and the rest"));
      if (request.url === "/endless") response.write("of something");
    });
    await rig.start({ drainMs: 10_000 }, { timers });
    const socket = await rig.connect();
    socket.write(get("/"));
    const endless = await rig.connect();
    endless.write(get("/endless"));
    await Promise.all([once(socket, "data"), once(endless, "data")]);
    const received = [drained(socket), drained(endless)];
    const stopped = rig.proxy.stop();
    (await held.promise)();
    expect(await received[0]).to.have.property("reset", false);
    await timers.advance(10_000);
    expect(await received[1]).to.have.property("reset", true);
    await stopped;
  });
});
