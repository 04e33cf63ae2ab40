import { expect } from "chai";
import { once } from "node:events";
import type { Server } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { createHttpServer } from "../../../src/node/http/httpServer.ts";
import type { HttpResponse } from "../../../src/node/http/response.ts";

/** Far more than the system takes for a client that reads nothing. */
const LONG = new Uint8Array(32 * 1024 * 1024).fill(120);
const KEEP_ALIVE_MS = 4_321;

describe("a client that does not read its response", () => {
  let server: Server;
  let body: HttpResponse["body"];
  let client: Socket;
  /** Bytes that wait, as the server was told. */
  let waiting: number[];

  afterEach(async () => {
    client.destroy();
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  });

  /** @returns The server's side of a connection on which a request was sent. */
  async function ask(unreadMs: number): Promise<Socket> {
    waiting = [];
    server = createHttpServer(
      {
        maxHeaderBytes: 8_192,
        headersMs: 5_000,
        requestMs: 5_000,
        keepAliveMs: KEEP_ALIVE_MS,
        unreadMs,
      },
      {
        handle: () => ({ status: 200, headers: {}, body }),
        refuse: () => ({ status: 400, headers: {} }),
        failed: () => ({ status: 500, headers: {} }),
        waits: (_, bytes) => waiting.push(bytes),
      },
    );
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const connected = once(server, "connection") as Promise<[Socket]>;
    const asked = once(server, "request");
    client = connect((server.address() as AddressInfo).port, "127.0.0.1");
    client.on("error", () => {});
    client.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    const [socket] = await connected;
    await asked;
    return socket;
  }
  /** A stream that sends much, and then waits until it is told to end. */
  const streamed = (ended: Promise<unknown>) =>
    ReadableStream.from(
      (async function* () {
        yield LONG;
        await ended;
        yield new Uint8Array(1);
      })(),
    );

  it("is cut off, and a server that wants to know is told what waits", async () => {
    body = LONG;
    const socket = await ask(20);
    await once(socket, "close");
    expect(waiting).to.deep.equal([LONG.length]);
  });

  it("is cut off from a stream, too", async () => {
    body = streamed(Promise.resolve());
    await once(await ask(20), "close");
    expect(waiting, "a stream keeps only a piece").to.deep.equal([]);
  });

  it("keeps its connection when it has read after all", async () => {
    body = LONG;
    const socket = await ask(600_000);
    expect(socket.timeout).to.equal(600_000);
    client.resume();
    while (socket.timeout === 600_000) await once(client, "data");
    while (socket.timeout === 0) await new Promise(setImmediate);
    // Node adds a second to the time for which an idle connection is kept.
    expect(socket.timeout).to.be.within(KEEP_ALIVE_MS, KEEP_ALIVE_MS + 1_000);
  });

  it("has all time while the source of a stream is silent", async () => {
    const { promise, resolve } = Promise.withResolvers();
    body = streamed(promise);
    const socket = await ask(600_000);
    while (socket.timeout !== 600_000) await new Promise(setImmediate);
    client.resume();
    while (socket.timeout === 600_000) await new Promise(setImmediate);
    expect(socket.timeout).to.equal(0);
    resolve(undefined);
  });

  it("is not one that reads: a short response waits nowhere", async () => {
    body = "short";
    const socket = await ask(600_000);
    await once(client, "data");
    expect([waiting, socket.timeout === 600_000]).to.deep.equal([[], false]);
  });
});
