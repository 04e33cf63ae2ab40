import { expect } from "chai";
import { getEventListeners, once } from "node:events";
import type { IncomingMessage, RequestListener } from "node:http";
import type { Socket } from "node:net";
import { mock } from "node:test";
import { gzipSync } from "node:zlib";
import { netRequest, type NetLimits, type NetRequest } from "../../src/net/request.ts";
import { failureOf } from "../support/httpClient.ts";
import { ProviderRig } from "../support/providerRig.ts";
import { rejection } from "../support/rejection.ts";
import { settled } from "../support/settled.ts";

const limits: NetLimits = { timeMs: 30_000, maxBytes: 1_000, allowLoopback: true };

/** Waits until the other side has hung up, by a reset or properly. */
async function gone(socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
}

describe("netRequest", () => {
  const rig = new ProviderRig();
  afterEach(async () => {
    mock.timers.reset();
    await rig.close();
  });

  function get(
    url: URL,
    over: Partial<NetLimits & NetRequest> = {},
    signal: AbortSignal = new AbortController().signal,
  ) {
    const request = { method: "GET", url, headers: {}, body: new Uint8Array(), ...over };
    return netRequest(request, { ...limits, ...over }, signal);
  }

  async function upstream(listener: RequestListener): Promise<URL> {
    return (await rig.upstream(listener)).url;
  }

  it("gives status, headers, trailers and body", async () => {
    const url = await upstream((_, response) => {
      response.writeHead(418, { trailer: "x-end", "x-start": "1" });
      response.write("tea");
      response.addTrailers({ "x-end": "2" });
      response.end("pot");
    });
    const answer = await get(url);
    expect(answer.status).to.equal(418);
    expect(answer.headers["x-start"]).to.equal("1");
    expect(answer.trailers["x-end"]).to.equal("2");
    expect(answer.body.toString()).to.equal("teapot");
  });

  it("sends method, target, headers and body, and the body's length", async () => {
    let seen: Pick<IncomingMessage, "method" | "url" | "headers"> | undefined;
    let body = "";
    const url = await upstream((request, response) => {
      seen = request;
      request.on("data", (part: Buffer) => (body += part.toString()));
      request.on("end", () => response.end());
    });
    const headers = { "x-test": "yes", "content-length": "999" };
    const input = { method: "POST", headers, body: Buffer.from("{}") };
    expect((await get(new URL("/rpc?a=1", url), input)).status).to.equal(200);
    expect(seen).to.include({ method: "POST", url: "/rpc?a=1" });
    expect(seen?.headers).to.include({ "x-test": "yes", "content-length": "2" });
    expect(body).to.equal("{}");
  });

  it("makes a connection of its own each time, and leaves none open", async () => {
    const ports = new Set<number | undefined>();
    const { url, server } = await rig.upstream((request, response) => {
      ports.add(request.socket.remotePort);
      response.end();
    });
    for (let i = 0; i < 3; i++) {
      await get(url, { headers: { connection: "keep-alive" } });
    }
    expect(ports.size).to.equal(3);
    let open = 0;
    await settled(() => {
      server.getConnections((_, count) => (open = count));
      return open;
    });
    expect(open).to.equal(0);
  });

  it("does not follow a redirect", async () => {
    let reached = false;
    const hidden = await upstream((_, response) => {
      reached = true;
      response.end();
    });
    const url = await upstream((_, response) => {
      response.writeHead(302, { location: hidden.href }).end("moved");
    });
    const answer = await get(url);
    expect(answer.status).to.equal(302);
    expect(answer.headers.location).to.equal(hidden.href);
    expect(answer.body.toString()).to.equal("moved");
    expect(reached).to.equal(false);
  });

  it("leaves a compressed body as it came", async () => {
    const bomb = gzipSync(Buffer.alloc(100_000));
    const url = await upstream((_, response) => {
      response.writeHead(200, { "content-encoding": "gzip" }).end(bomb);
    });
    expect((await get(url)).body.equals(bomb)).to.equal(true);
  });

  const old: [string, string, string][] = [
    ["a length", "HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nsunny", "sunny"],
    ["no length", "HTTP/1.0 200 OK\r\nserver: SimpleHTTP/0.6\r\n\r\nsunny", "sunny"],
    ["no body", "HTTP/1.0 204 No Content\r\n\r\n", ""],
  ];
  for (const [what, text, body] of old) {
    it(`reads HTTP/1.0 with ${what}, as simple servers speak it`, async () => {
      const url = await rig.rawUpstream((socket) => {
        socket.once("data", () => socket.end(text));
      });
      expect((await get(url)).body.toString()).to.equal(body);
    });
  }

  it("reads HTTP/1.0 with keep-alive without waiting for the end of the connection", async () => {
    const kept = "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 5\r\n\r\nsunny";
    const url = await rig.rawUpstream((socket) => {
      socket.once("data", () => socket.write(kept));
    });
    expect((await get(url)).body.toString()).to.equal("sunny");
  });

  describe("limits", () => {
    it("takes a body up to the limit and not a byte more", async () => {
      const url = await upstream((request, response) => {
        response.end(Buffer.alloc(Number(request.url?.slice(1))));
      });
      expect((await get(new URL("/1000", url))).body).to.have.length(1_000);
      await rejection("NET_TOO_LARGE", get(new URL("/1001", url)));
    });

    it("hangs up on a body without end", async () => {
      let closed: Promise<unknown> | undefined;
      const url = await upstream((_, response) => {
        closed = once(response, "close");
        const more = () => {
          while (response.writable && response.write("x".repeat(10_000)));
        };
        response.on("drain", more);
        more();
      });
      await rejection("NET_TOO_LARGE", get(url));
      await closed;
    });

    it("gives up on a server that never answers", async () => {
      mock.timers.enable({ apis: ["setTimeout"] });
      const asked = Promise.withResolvers<IncomingMessage>();
      const url = await upstream(asked.resolve);
      const failed = rejection("NET_TIMEOUT", get(url));
      const { socket } = await asked.promise;
      mock.timers.tick(limits.timeMs - 1);
      expect(await settled(() => Number(socket.destroyed))).to.equal(0);
      mock.timers.tick(1);
      expect((await failed).message).to.contain("30000 ms");
      await gone(socket);
    });

    it("gives up on a body that trickles, however steadily", async () => {
      mock.timers.enable({ apis: ["setTimeout"] });
      const asked = Promise.withResolvers<(text: string) => void>();
      const url = await upstream((_, response) => {
        asked.resolve((text) => response.write(text));
      });
      const failed = rejection("NET_TIMEOUT", get(url));
      const trickle = await asked.promise;
      for (let i = 0; i < 10; i++) {
        trickle("x");
        mock.timers.tick(limits.timeMs / 10);
      }
      await failed;
    });

    it("gives up on interim answers without end", async () => {
      mock.timers.enable({ apis: ["setTimeout"] });
      const asked = Promise.withResolvers<Socket>();
      const url = await rig.rawUpstream((socket) => {
        socket.once("data", () => {
          for (let i = 0; i < 50; i++) socket.write("HTTP/1.1 103 Early Hints\r\n\r\n");
          asked.resolve(socket);
        });
      });
      const failed = rejection("NET_TIMEOUT", get(url));
      await asked.promise;
      mock.timers.tick(limits.timeMs);
      await failed;
    });

    it("refuses headers of more than 16 KiB", async () => {
      const url = await rig.rawUpstream((socket) => {
        socket.write(`HTTP/1.1 200 OK\r\nx: ${"y".repeat(17_000)}\r\n\r\n`);
      });
      await rejection("NET_PROTOCOL", get(url));
    });

    it("refuses headers without end", async () => {
      const url = await rig.rawUpstream((socket) => {
        socket.write("HTTP/1.1 200 OK\r\n");
        const more = () => {
          while (socket.writable && socket.write(`x-${"y".repeat(100)}: z\r\n`));
        };
        socket.on("drain", more);
        more();
      });
      await rejection("NET_PROTOCOL", get(url));
    });

    it("refuses trailers without end", async () => {
      const url = await rig.rawUpstream((socket) => {
        socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n");
        const more = () => {
          while (socket.writable && socket.write(`x-${"y".repeat(100)}: z\r\n`));
        };
        socket.on("drain", more);
        more();
      });
      await rejection("NET_PROTOCOL", get(url));
    });
  });

  describe("a server that does not keep to HTTP", () => {
    const answers: [string, (socket: Socket) => void][] = [
      ["hangs up at once", (socket) => socket.end()],
      ["resets", (socket) => socket.resetAndDestroy()],
      ["breaks off in the headers", (socket) => socket.end("HTTP/1.1 200 OK\r\nx")],
      [
        "breaks off in the body",
        (socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n12345"),
      ],
      [
        "breaks off in a chunk",
        (socket) => socket.end("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\n123"),
      ],
    ];
    for (const [what, answer] of answers) {
      it(`fails when it ${what}`, async () => {
        const url = await rig.rawUpstream((socket) => {
          socket.once("data", () => {
            answer(socket);
          });
        });
        await rejection("NET_FAILED", get(url));
      });
    }

    it("fails when no server listens", async () => {
      const { url, server } = await rig.upstream(() => {});
      await new Promise((resolve) => server.close(resolve));
      await rejection("NET_FAILED", get(url));
    });
  });

  describe("abort", () => {
    const reason = new Error("the epoch is over");

    it("connects nowhere when it was aborted before", async () => {
      let connections = 0;
      const { url, server } = await rig.upstream(() => {});
      server.on("connection", () => connections++);
      expect(await failureOf(get(url, {}, AbortSignal.abort(reason)))).to.equal(reason);
      expect(await settled(() => connections)).to.equal(0);
    });

    for (const part of ["headers", "body"]) {
      it(`hangs up when it is aborted while it waits for the ${part}`, async () => {
        const abort = new AbortController();
        const asked = Promise.withResolvers<IncomingMessage>();
        const url = await upstream((request, response) => {
          if (part === "body") response.write("begun");
          asked.resolve(request);
        });
        const failed = failureOf(get(url, {}, abort.signal));
        const { socket } = await asked.promise;
        abort.abort(reason);
        expect(await failed).to.equal(reason);
        await gone(socket);
      });
    }

    it("does not keep listening to a signal that outlives the request", async () => {
      const { signal } = new AbortController();
      const url = await upstream((request, response) => {
        if (request.url === "/reset") request.socket.destroy();
        else response.end();
      });
      await get(url, {}, signal);
      await rejection("NET_FAILED", get(new URL("/reset", url), {}, signal));
      await rejection("NET_REFUSED", get(url, { allowLoopback: false }, signal));
      expect(getEventListeners(signal, "abort")).to.deep.equal([]);
    });
  });
});
