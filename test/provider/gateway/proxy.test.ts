import { expect } from "chai";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { Agent, type IncomingMessage, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { ask, failureOf, head, open, untilClosed, whole } from "../../support/httpClient.ts";
import { fault, NONCE, ProviderRig, WITH_NONCE } from "../../support/providerRig.ts";
import { settled } from "../../support/settled.ts";

describe("Gateway: proxy", () => {
  const rig = new ProviderRig();
  afterEach(() => rig.close());

  it("passes requests on byte for byte, with its own Host and the client's address", async () => {
    let seen: IncomingMessage | undefined;
    const { url } = await rig.upstream((request, response) => {
      seen = request;
      response.end();
    });
    const { port } = (await rig.gateway(url)).address;
    const path = "//a/../b/%2e%2E/?q=%C3%A9&&;x=[1]|{2}";
    await ask({
      port,
      method: "DELETE",
      path,
      headers: { Host: "weather.bloc.alt", "X-Forwarded-For": "203.0.113.9", "X-Two": ["a", "b"] },
    });
    expect(seen?.method).to.equal("DELETE");
    expect(seen?.url).to.equal(path);
    expect(seen?.headers.host).to.equal(url.host);
    expect(seen?.headers).to.include({
      "x-forwarded-for": "127.0.0.1",
      "x-forwarded-host": "weather.bloc.alt",
      "x-forwarded-proto": "http",
      via: "1.1 blockcloud",
      "x-two": "a, b",
    });
  });

  it("keeps what means one connection only on that connection, both ways", async () => {
    let seen: IncomingMessage["headers"] = {};
    const port = await rig.serve((request, response) => {
      seen = request.headers;
      response.writeHead(200, {
        Connection: "keep-alive, X-Hop",
        "X-Hop": "1",
        "Keep-Alive": "timeout=77",
        "Proxy-Authenticate": "Basic",
        "X-End": "2",
        "Set-Cookie": ["a=1", "b=2"],
      });
      response.end("x");
    });
    const answer = await ask({
      port,
      method: "POST",
      body: Buffer.from("x"),
      headers: {
        "Transfer-Encoding": "chunked",
        Connection: "close, X-Secret-Hop",
        "X-Secret-Hop": "1",
        "Proxy-Connection": "keep-alive",
        "Proxy-Authorization": "Basic eA==",
        TE: "trailers",
        Trailer: "X-Later",
        Upgrade: "h2c",
        "X-End": "3",
        ...WITH_NONCE,
      },
    });
    expect(seen).not.to.have.any.keys(
      "x-secret-hop",
      "proxy-connection",
      "proxy-authorization",
      "trailer",
      "upgrade",
      "service-nonce",
    );
    expect(seen["x-end"]).to.equal("3");
    // The gateway's own, because the client takes trailers.
    expect(seen.te).to.equal("trailers");
    expect(answer.headers).not.to.have.any.keys("x-hop", "proxy-authenticate");
    expect(answer.headers["keep-alive"]).not.to.equal("timeout=77");
    expect(answer.headers["x-end"]).to.equal("2");
    expect(answer.headers["set-cookie"]).to.deep.equal(["a=1", "b=2"]);
    expect(answer.headers.via).to.equal("1.1 blockcloud");
  });

  it("does not take a nonce for the gateway's own header away because Connection names it", async () => {
    const port = await rig.serve((_request, response) =>
      response.setHeader("Content-Length", 0).end(),
    );
    const headers = { Connection: "close, Service-Nonce, Content-Length, Host", ...WITH_NONCE };
    const asked = { method: "POST", body: Buffer.from("framed anew") };
    const answer = await ask({ port, ...asked, headers });
    expect(fault(answer.headers["service-receipt"], asked, answer)).to.equal(undefined);
  });

  it("passes bodies on in both framings, and frames a POST without one", async () => {
    const seen: IncomingMessage["headers"][] = [];
    const port = await rig.serve((request, response) => {
      seen.push(request.headers);
      request.pipe(response);
    });
    const body = randomBytes(70_000);
    const sized = await ask({ port, method: "POST", body, headers: { "Content-Length": "70000" } });
    expect(sized.body.equals(body)).to.equal(true);
    expect(seen[0]).to.include({ "content-length": "70000" });
    const chunked = await ask({
      port,
      method: "GET",
      body,
      headers: { "Transfer-Encoding": "chunked" },
    });
    expect(chunked.body.equals(body)).to.equal(true);
    expect(seen[1]).to.include({ "transfer-encoding": "chunked" });
    await ask({ port, method: "POST" });
    expect(seen[2]).to.include({ "content-length": "0" });
    await ask({ port, method: "GET" });
    expect(seen[3]).not.to.have.any.keys("content-length", "transfer-encoding");
  });

  it("passes a body of known length on as it comes: whole, or each part before the next", async () => {
    let next: (() => void) | undefined;
    const port = await rig.serve((request, response) => {
      response.writeHead(200, { "Content-Length": 10 });
      if (request.url === "/whole") {
        response.end("0123456789");
        return;
      }
      response.write("01234");
      next = () => response.end("56789");
    });
    expect((await ask({ port, path: "/whole" })).body.toString()).to.equal("0123456789");
    const message = await head({ port, path: "/parts" });
    const [first] = (await once(message, "data")) as [Buffer];
    expect(first.toString()).to.equal("01234");
    next?.();
    expect((await whole(message)).body.toString()).to.equal("56789");
  });

  it("holds the upstream back while a client does not read, then delivers every byte", async () => {
    const total = 32 * 1024 * 1024;
    const block = randomBytes(64 * 1024);
    let written = 0;
    const port = await rig.serve((_request, response) => {
      const more = () => {
        while (written < total) {
          written += block.length;
          if (!response.write(block)) return void response.once("drain", more);
        }
        response.end();
      };
      more();
    });
    for (const headers of [{}, WITH_NONCE]) {
      written = 0;
      const message = await head({ port, headers });
      // What the sockets' buffers hold has left the upstream; the rest must wait there.
      expect(await settled(() => written)).to.be.below(total);
      const answer = await whole(message);
      expect(answer.body.length).to.equal(total);
      for (let at = 0; at < total; at += block.length) {
        expect(answer.body.compare(block, 0, block.length, at, at + block.length)).to.equal(0);
      }
      if (headers === WITH_NONCE) {
        expect(fault(answer.trailers["service-receipt"], {}, answer)).to.equal(undefined);
      }
    }
  });

  it("holds the client back while the upstream does not read, then delivers every byte", async () => {
    const body = randomBytes(32 * 1024 * 1024);
    let request: IncomingMessage | undefined;
    let asked = () => {};
    const arrived = new Promise<void>((resolve) => (asked = resolve));
    const port = await rig.serve(
      (incoming, response) => {
        request = incoming;
        const chunks: Buffer[] = [];
        incoming.on("end", () =>
          response.end(Buffer.concat(chunks).equals(body) ? "same" : "other"),
        );
        incoming.on("data", (chunk) => chunks.push(chunk)).pause();
        asked();
      },
      { maxRequestBytes: body.length },
    );
    const asking = open({ port, method: "POST", headers: { "Content-Length": `${body.length}` } });
    const answered = once(asking, "response");
    const blocks = body.length / 65_536;
    let sent = 0;
    const more = () => {
      while (sent < blocks) {
        const at = sent++ * 65_536;
        if (!asking.write(body.subarray(at, at + 65_536))) return void asking.once("drain", more);
      }
      asking.end();
    };
    more();
    await arrived;
    expect(await settled(() => sent)).to.be.below(blocks);
    request?.resume();
    const [message] = await answered;
    expect((await whole(message)).body.toString()).to.equal("same");
  });

  it("reuses the client's and the upstream's connections", async () => {
    const { url, server } = await rig.upstream((_request, response) => response.end("ok"));
    const gateway = await rig.gateway(url);
    let connections = 0;
    server.on("connection", () => connections++);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ports = new Set<number | undefined>();
    for (let i = 0; i < 3; i++) {
      const message = await head({ port: gateway.address.port, agent, headers: WITH_NONCE });
      ports.add(message.socket.localPort);
      await whole(message);
    }
    agent.destroy();
    expect(ports.size).to.equal(1);
    expect(connections).to.equal(1);
  });

  it("gives up the upstream's request when the client goes away", async () => {
    let upstream: ServerResponse | undefined;
    let asked = () => {};
    const { url } = await rig.upstream((_request, response) => {
      upstream = response;
      asked();
    });
    const { port } = (await rig.gateway(url, { halfClosedMs: 0 })).address;
    for (const begun of [false, true]) {
      const arrived = new Promise<void>((resolve) => (asked = resolve));
      const asking = open({ port, headers: WITH_NONCE });
      asking.on("error", () => {});
      asking.end();
      await arrived;
      const closed = once(upstream!, "close");
      if (begun) {
        upstream?.write("x");
        const [message] = await once(asking, "response");
        message.on("error", () => {});
      }
      // A response that has begun ends with a reset: a FIN may come from a client that still reads.
      if (begun) asking.socket?.resetAndDestroy();
      else asking.destroy();
      await closed;
      expect(upstream?.writableFinished).to.equal(false);
    }
  });

  it("gives up the upstream's request when the client goes away while sending", async () => {
    let seen = (_request: IncomingMessage) => {};
    const arrived = new Promise<IncomingMessage>((resolve) => (seen = resolve));
    const port = await rig.serve((request) => {
      seen(request);
    });
    const asking = open({ port, method: "POST", headers: { "Content-Length": "10" } });
    asking.on("error", () => {});
    asking.write("half");
    const request = await arrived;
    request.resume();
    request.on("error", () => {});
    const broken = new Promise((resolve) => request.once("close", resolve));
    asking.destroy();
    await broken;
    expect(request.complete).to.equal(false);
  });

  it("answers a client that has closed its half of the connection", async () => {
    for (const headers of ["", `Service-Nonce: ${NONCE}\r\n`]) {
      const asked = Promise.withResolvers<ServerResponse>();
      const port = await rig.serve((_request, response) => {
        asked.resolve(response);
      });
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
      socket.end(`GET / HTTP/1.1\r\nHost: x\r\n${headers}\r\n`);
      const answered = untilClosed(socket);
      const response = await asked.promise;
      // The FIN came with the request; the upstream takes longer.
      for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
      response.setHeader("Content-Length", 2).end("ok");
      expect(await answered).to.match(/^HTTP\/1\.1 200 .*ok$/s);
    }
  });

  it("ends an event stream whose client has closed its half, because nothing else may tell", async () => {
    const closed = Promise.withResolvers<undefined>();
    const port = await rig.serve((_request, response) => {
      response.once("close", () => {
        closed.resolve(undefined);
      });
      response.writeHead(200, { "Content-Type": "text/event-stream" }).flushHeaders();
    });
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    socket.end("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await Promise.all([untilClosed(socket), closed.promise]);
  });

  it("never logs a body, a nonce or the key", async () => {
    const port = await rig.serve((request, response) => {
      if (request.url === "/break") return void request.socket.destroy();
      request.pipe(response);
    });
    const body = Buffer.from("very private words");
    await ask({ port, method: "POST", body, headers: WITH_NONCE });
    await ask({ port, method: "POST", path: "/break", body, headers: WITH_NONCE });
    await failureOf(ask({ port: 0 }));
    const log = rig.log.join("\n");
    expect(log).to.contain("UPSTREAM_FAILED");
    for (const secret of ["private", NONCE.slice(2), "4b4b4b4b"]) {
      expect(log).not.to.contain(secret);
    }
  });
});
