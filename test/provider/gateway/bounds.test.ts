import { expect } from "chai";
import { once } from "node:events";
import type { IncomingMessage, RequestListener } from "node:http";
import { connect, type Socket } from "node:net";
import type { GatewayObserver } from "../../../src/provider/metrics.ts";
import { ask, head, untilClosed } from "../../support/httpClient.ts";
import { ProviderRig } from "../../support/providerRig.ts";
import { until } from "../../support/until.ts";

describe("Gateway: bounds of one address and one network", () => {
  const rig = new ProviderRig();
  const sockets: Socket[] = [];
  let refused: string[] = [];
  let ended = 0;
  beforeEach(() => {
    refused = [];
    ended = 0;
    const observer: GatewayObserver = {
      finished: () => void (ended += 1),
      receipt: () => {},
      problem: () => {},
      connectionRefused: (bound) => void refused.push(bound),
    };
    rig.observer = observer;
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await rig.close();
  });

  async function open(port: number, from: string): Promise<Socket> {
    const socket = connect({ port, host: "127.0.0.1", localAddress: from });
    sockets.push(socket);
    await once(socket, "connect");
    return socket;
  }

  it("closes connections beyond the bound of an address and of a network; others are served", async () => {
    const port = await rig.serve((_request, response) => response.end("ok"), {
      maxConnectionsPerPeer: 2,
    });
    await open(port, "127.0.0.1");
    await open(port, "127.0.0.1");
    await untilClosed(await open(port, "127.0.0.1"));
    expect(refused).to.deep.equal(["peer"]);
    for (const last of [2, 2, 3, 3, 4, 4]) await open(port, `127.0.0.${last}`);
    await untilClosed(await open(port, "127.0.0.5"));
    expect(refused).to.deep.equal(["peer", "network"]);
    expect((await ask({ port, from: "127.0.1.1" })).status).to.equal(200);
    sockets[0]?.destroy();
    const isServed = async () => {
      const answer = await ask({ port, from: "127.0.0.1" }).catch(() => undefined);
      return answer?.status === 200;
    };
    await until("the gateway has seen the close", isServed);
  });

  it("gives up the connection that has been idle longest when all are taken", async () => {
    const flush: RequestListener = (_request, response) => {
      response.flushHeaders();
    };
    const port = await rig.serve(flush, { maxConnections: 2 });
    const idle = await open(port, "127.0.0.1");
    const running = await head({ port, from: "127.0.0.2" });
    const gone = once(idle.resume(), "close");
    const third = await head({ port, from: "127.0.0.3" });
    await gone;
    expect(third.statusCode).to.equal(200);
    // Both are in use now: there is nothing to give up.
    await untilClosed(await open(port, "127.0.0.4"));
    expect(refused).to.deep.equal(["total"]);
    expect(running.complete).to.equal(false);
    running.destroy();
    third.destroy();
  });

  describe("event streams and tunnels", () => {
    let port = 0;
    const streams: IncomingMessage[] = [];
    beforeEach(async () => {
      const { url, server } = await rig.upstream((request, response) => {
        if (request.url === "/plain") response.end("ok");
        else response.writeHead(200, { "Content-Type": "text/event-stream" }).flushHeaders();
      });
      server.on("upgrade", (_request, socket: Socket) => {
        socket.write("HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
        socket.resume().once("end", () => socket.end());
      });
      port = (await rig.gateway(url, { maxStreams: 4, maxStreamsPerPeer: 2 })).address.port;
    });
    afterEach(() => {
      for (const message of streams.splice(0)) message.destroy();
    });

    async function stream(from: string): Promise<number | undefined> {
      const message = await head({ port, from });
      streams.push(message);
      return message.statusCode;
    }

    async function tunnel(from: string): Promise<string> {
      const socket = await open(port, from);
      socket.write(
        "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
      );
      const [said] = (await once(socket, "data")) as [Buffer];
      return said.toString();
    }

    it("refuses one address more than its share, and serves its other requests", async () => {
      expect(await stream("127.0.0.1")).to.equal(200);
      expect(await tunnel("127.0.0.1")).to.match(/^HTTP\/1\.1 101 /);
      expect(await stream("127.0.0.1")).to.equal(429);
      expect(await tunnel("127.0.0.1")).to.match(/^HTTP\/1\.1 429 .*STREAMS_EXCEEDED/s);
      expect((await ask({ port, path: "/plain", from: "127.0.0.1" })).status).to.equal(200);
      expect(await stream("127.0.1.1")).to.equal(200);
      expect(await stream("127.0.1.1")).to.equal(200);
      expect(await stream("127.0.2.1")).to.equal(503);
      expect((await ask({ port, path: "/plain", from: "127.0.2.1" })).status).to.equal(200);
    });

    it("has room again when a stream or a tunnel has ended", async () => {
      expect(await stream("127.0.0.1")).to.equal(200);
      expect(await tunnel("127.0.0.1")).to.match(/^HTTP\/1\.1 101 /);
      expect(ended).to.equal(0);
      streams[0]?.destroy();
      sockets[0]?.destroy();
      await until("both have ended", () => ended === 2);
      expect(await stream("127.0.0.1")).to.equal(200);
      expect(await stream("127.0.0.1")).to.equal(200);
    });
  });
});
