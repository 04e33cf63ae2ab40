import { expect } from "chai";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { parseCidr } from "../../src/net/cidr.ts";
import { PublicHttpMetrics } from "../../src/net/publicHttpMetrics.ts";
import { PublicHttpServer, type PublicHttpLimits } from "../../src/net/publicHttpServer.ts";
import type { HttpRequest } from "../../src/node/http/httpServer.ts";
import type { HttpResponse } from "../../src/node/http/response.ts";
import { silentLogger as log } from "../../src/node/logger.ts";
import { createMetrics } from "../../src/node/metrics.ts";
import { BlockcloudError } from "../../src/protocol/errors.ts";
import { ask, untilClosed } from "../support/httpClient.ts";
import { rejection } from "../support/rejection.ts";
import { until } from "../support/until.ts";

const MEBIBYTE = 1024 * 1024;
/** Far more than the system takes for a client that reads nothing. */
const LONG = new Uint8Array(32 * MEBIBYTE).fill(120);
const LISTEN = { host: "127.0.0.1", port: 0 };

describe("an HTTP server for strangers", () => {
  let server: PublicHttpServer;
  let handle: (request: HttpRequest) => HttpResponse | Promise<HttpResponse>;
  let refused: string[];
  const metrics = createMetrics("test");
  const counted = new PublicHttpMetrics(metrics);
  const clients: Socket[] = [];

  beforeEach(() => {
    refused = [];
    handle = ({ path }) => ({ status: 200, headers: {}, body: path === "/long" ? LONG : "short" });
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    await server.stop();
  });

  const build = (limits: Partial<PublicHttpLimits>, listen = LISTEN) =>
    new PublicHttpServer(
      {
        ...{ listen, maxHeaderBytes: 8_192, headersMs: 5_000, requestMs: 10_000 },
        ...{ trustedProxies: [], maxConnections: 0, maxConnectionsPerPeer: 0 },
        ...{ keepAliveMs: 60_000, maxUnread: 0, maxUnreadPerPeer: 0, ...limits },
      },
      {
        handle: (request) => handle(request),
        refuse: () => ({ status: 400, headers: {} }),
        failed: () => ({ status: 500, headers: {} }),
        unread: () => ({ status: 429, headers: {}, body: "read first" }),
      },
      {
        log,
        refusals: {
          refused: (cause, bound) => {
            refused.push(`${cause} ${bound}`);
            counted.refused(cause, bound);
          },
        },
      },
    );
  const start = async (limits: Partial<PublicHttpLimits>) => {
    server = build(limits);
    await server.start();
  };

  /** A client that asks and reads nothing. */
  async function silent(from: string, head = "GET /long HTTP/1.1\r\nHost: x\r\n"): Promise<Socket> {
    const before = server.unread;
    const { port } = server.address;
    const client = connect({ host: "127.0.0.1", port, localAddress: from });
    client.on("error", () => {});
    clients.push(client);
    client.write(`${head}\r\n`);
    await until("its response waits", () => server.unread > before || client.destroyed);
    return client;
  }
  const status = async (from: string, path = "/", headers = {}) =>
    (await ask({ port: server.address.port, path, from, headers })).status;

  it("tells an address that reads nothing to read first, and serves the others", async () => {
    await start({ maxUnreadPerPeer: MEBIBYTE });
    const client = await silent("127.0.0.2");
    expect(await status("127.0.0.2")).to.equal(429);
    expect(await status("127.0.1.3", "/long")).to.equal(200);
    client.resume();
    await until("it has read", () => server.unread === 0);
    expect(await status("127.0.0.2")).to.equal(200);
    expect(refused).to.deep.equal([]);
  });

  it("cuts a connection that has sent several requests and reads nothing", async () => {
    await start({ maxUnreadPerPeer: MEBIBYTE });
    const client = connect(server.address.port, "127.0.0.1");
    clients.push(client);
    client.write("GET /long HTTP/1.1\r\nHost: x\r\n\r\n".repeat(2));
    await until("it is cut", () => refused.length > 0);
    expect(refused).to.deep.equal(["unread peer"]);
    const { text } = await metrics.expose();
    expect(text).to.match(/^blockcloud_http_connections_refused_total\{.*unread.*peer.*\} 1$/m);
    expect((await untilClosed(client)).length).to.be.lessThan(LONG.length);
    expect(server.unread).to.equal(0);
  });

  it("bounds the addresses of one network together", async () => {
    await start({ maxUnreadPerPeer: 8 * MEBIBYTE });
    await silent("127.0.0.2");
    expect(await status("127.0.0.3"), "32 MiB are the network's part").to.equal(429);
    expect(await status("127.0.1.3")).to.equal(200);
  });

  it("makes room for a newcomer by the response that has waited longest", async () => {
    await start({ maxUnread: 64 * MEBIBYTE });
    const first = await silent("127.0.1.1");
    const second = await silent("127.0.2.1");
    const third = connect({ host: "127.0.0.1", port: server.address.port });
    clients.push(third);
    third.write("GET /long HTTP/1.0\r\n\r\n");
    await until("the first is cut", () => refused.length > 0);
    expect(refused).to.deep.equal(["unread total"]);
    expect((await untilClosed(first)).length).to.be.lessThan(LONG.length);
    expect((await untilClosed(third)).length).to.be.greaterThan(LONG.length);
    second.resume();
    await until("the second has read", () => server.unread === 0);
    expect(second.destroyed).to.equal(false);
  });

  it("counts the clients behind a trusted proxy, not the proxy", async () => {
    await start({ maxUnreadPerPeer: MEBIBYTE, trustedProxies: [parseCidr("127.0.0.9")!] });
    const head = "GET /long HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.1\r\n";
    await silent("127.0.0.9", head);
    expect(await status("127.0.0.9", "/", { "x-forwarded-for": "192.0.2.1" })).to.equal(429);
    expect(await status("127.0.0.9", "/", { "x-forwarded-for": "198.51.100.1" })).to.equal(200);
  });

  it("ends a connection that sends request after request without waiting for responses", async () => {
    const { promise, resolve } = Promise.withResolvers<HttpResponse>();
    handle = () => promise;
    await start({});
    const client = connect(server.address.port, "127.0.0.1");
    clients.push(client);
    client.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(17));
    expect(await untilClosed(client)).to.equal("");
    resolve({ status: 200, headers: {} });
  });

  it("serves sixteen requests that were sent at once, in order", async () => {
    handle = ({ path }) => Promise.resolve({ status: 200, headers: {}, body: path });
    await start({});
    const client = connect(server.address.port, "127.0.0.1");
    clients.push(client);
    const paths = Array.from({ length: 16 }, (_, at) => `/${at}`);
    const requests = paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n`);
    client.write(`${requests.join("\r\n")}Connection: close\r\n\r\n`);
    const answers = [...(await untilClosed(client)).matchAll(/\r\n\r\n(\/\d+)/g)];
    expect(answers.map(([, path]) => path)).to.deep.equal(paths);
  });

  it("says that its address is taken, in the words of its owner", async () => {
    await start({});
    const taken = { host: "127.0.0.1", port: server.address.port };
    await rejection("HTTP_LISTEN", build({}, taken).start());
    const own = new PublicHttpServer(
      {
        ...{ listen: taken, maxHeaderBytes: 8_192, headersMs: 5_000, requestMs: 10_000 },
        ...{ trustedProxies: [], maxConnections: 0, maxConnectionsPerPeer: 0 },
        ...{ keepAliveMs: 60_000, maxUnread: 0, maxUnreadPerPeer: 0 },
      },
      {
        ...{ handle, refuse: () => ({ status: 400, headers: {} }) },
        ...{ failed: () => ({ status: 500, headers: {} }) },
        ...{ unread: () => ({ status: 429, headers: {} }) },
        listenFault: (cause) => new BlockcloudError("OWN_LISTEN", "It is taken.", { cause }),
      },
      { log },
    );
    await rejection("OWN_LISTEN", own.start());
    await once(connect(taken.port, "127.0.0.1").end(), "close");
  });
});
