import { expect } from "chai";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { BlockcloudError } from "../../../src/protocol/errors.ts";
import { PlainFlow } from "../../support/plainFlow.ts";
import { ProxyRig } from "../../support/proxyRig.ts";

const NAME = "weather.bloc.alt";
const get = (host: string) =>
  `GET http://${host}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
const tunnel = (host: string) => `CONNECT ${host}:80 HTTP/1.1\r\nHost: x\r\n\r\n`;
const socks = (host: string) =>
  `\x05\x01\x00\x05\x01\x00\x03${String.fromCharCode(host.length)}${host}\x00\x50`;

describe("what the diallers of the proxy give", () => {
  let rig: ProxyRig;
  let server: Server;
  let sockets: Socket[];

  beforeEach(async () => {
    rig = new ProxyRig();
    sockets = [];
    server = createServer({ allowHalfOpen: true }, (socket) => {
      sockets.push(socket);
      socket.on("error", () => {});
      socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nserved"));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  });
  afterEach(async () => {
    await rig.stop();
    for (const socket of sockets) socket.destroy();
    const closed = once(server, "close");
    server.close();
    await closed;
  });

  async function open(): Promise<PlainFlow> {
    const { port } = server.address() as AddressInfo;
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    await once(socket, "connect");
    return new PlainFlow(socket);
  }

  it("with a direct dialler, other destinations are served in every form", async () => {
    const asked: string[] = [];
    await rig.start(
      {},
      {
        direct: (host, port) => {
          asked.push(`${host} ${port}`);
          return open();
        },
      },
    );
    for (const request of [
      get("example.org"),
      get("[2001:db8::1]:8080"),
      tunnel("example.org") + get("example.org"),
      socks("Example.ORG.") + get("example.org"),
    ]) {
      expect((await rig.exchange(request)).text, request).to.match(/served$/);
    }
    expect(asked).to.deep.equal([
      "example.org 80",
      "2001:db8::1 8080",
      "example.org 80",
      "example.org 80",
    ]);
    expect(rig.dialled).to.deep.equal([]);
  });

  for (const isClosed of [false, true]) {
    it(`a flow that is ${isClosed ? "closed" : "lost"} before it is used resets the program, or is a problem`, async () => {
      await rig.start(
        {},
        {
          dial: async () => {
            const flow = await open();
            const closed = once(flow, "close").catch(() => {});
            flow.destroy(new BlockcloudError("KEY_CHANGED", "The key has changed."));
            if (isClosed) await closed;
            return flow;
          },
        },
      );
      const absolute = await rig.exchange(get(NAME));
      expect(absolute.text)
        .to.match(/^HTTP\/1\.1 502 /)
        .and.include('"KEY_CHANGED"');
      expect((await rig.exchange(tunnel(NAME))).reset).to.equal(true);
      expect((await rig.exchange(socks(NAME))).reset).to.equal(true);
    });
  }

  it("a dialler that throws at once is a problem like any other", async () => {
    await rig.start(
      {},
      {
        dial: () => {
          throw new BlockcloudError("NAME_INVALID", "Not a name.");
        },
      },
    );
    expect((await rig.exchange(get(NAME))).text).to.match(/^HTTP\/1\.1 400 /);
    expect((await rig.exchange(tunnel(NAME))).text).to.match(/^HTTP\/1\.1 400 /);
    expect((await rig.exchange(socks(NAME))).text.slice(2, 4)).to.equal("\x05\x04");
  });

  it("a flow that comes after its program has gone is closed", async () => {
    const asked = Promise.withResolvers<AbortSignal>();
    const flow = await open();
    const late = Promise.withResolvers<PlainFlow>();
    await rig.start(
      {},
      {
        dial: (_target, signal) => {
          asked.resolve(signal);
          return late.promise;
        },
      },
    );
    const socket = await rig.connect();
    socket.write(tunnel(NAME));
    const signal = await asked.promise;
    const aborted = once(signal, "abort");
    socket.resetAndDestroy();
    await aborted;
    const closed = once(flow, "close");
    late.resolve(flow);
    await closed;
  });
});
