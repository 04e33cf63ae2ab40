import { expect } from "chai";
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { connect } from "node:net";
import { ask, sendRaw } from "../../support/httpClient.ts";
import { fault, NONCE, ProviderRig, WITH_NONCE } from "../../support/providerRig.ts";

describe("Gateway: hostile clients", () => {
  const rig = new ProviderRig();
  let asked: string[] = [];
  let port = 0;

  beforeEach(async () => {
    asked = [];
    port = await rig.serve(
      (request, response) => {
        asked.push(request.url ?? "");
        request.resume().on("end", () => response.setHeader("Content-Length", 2).end("ok"));
      },
      { receiptsPerSecond: 2, receiptBurst: 2 },
    );
  });
  afterEach(() => rig.close());

  it("serves no target that is neither a path nor an http URL", async () => {
    const close = "Host: x\r\nConnection: close\r\n\r\n";
    for (const line of [
      "GET ftp://x/ HTTP/1.1",
      "GET http:///path HTTP/1.1",
      "GET http://user@x/ HTTP/1.1",
      "GET http://x:1:2/ HTTP/1.1",
      "GET http://x,y/ HTTP/1.1",
      "GET /path#fragment HTTP/1.1",
      "GET http://x/path?query#fragment HTTP/1.1",
      "OPTIONS * HTTP/1.1",
      "OPTIONS http://x HTTP/1.1",
      "CONNECT 127.0.0.1:1 HTTP/1.1",
    ]) {
      const said = await sendRaw(port, `${line}\r\nService-Nonce: ${NONCE}\r\n${close}`);
      expect(said, line).to.match(/^HTTP\/1\.1 400 /);
      expect(said, line).to.contain("TARGET_REFUSED");
      expect(said.toLowerCase(), line).not.to.contain("service-receipt");
    }
    expect(asked).to.deep.equal([]);
  });

  it("lets nothing through whose length or lines two parsers could read differently", async () => {
    const smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    for (const head of [
      "Content-Length: 4\r\nTransfer-Encoding: chunked",
      "Content-Length: 4\r\nContent-Length: 5",
      "Content-Length: +4",
      "Content-Length: 4, 4",
      "Content-Length: 0x4",
      "Transfer-Encoding: chunked, identity",
      "Transfer-Encoding : chunked",
      "Transfer-Encoding: xchunked",
      "Transfer-Encoding: chunked, chunked",
      "X: a\r\n folded: b\r\nContent-Length : 4",
      "X: a\rY: b",
      "X: a\0b",
    ]) {
      const text = `POST /outer HTTP/1.1\r\nHost: x\r\n${head}\r\n\r\n0\r\n\r\n${smuggled}`;
      expect(await sendRaw(port, text), head).to.match(/^HTTP\/1\.1 400 /);
    }
    for (const line of ["GET /\u00e9 HTTP/1.1", "GET / HTTP/1.1 x", "get / HTTP/1.1"]) {
      expect(await sendRaw(port, `${line}\r\nHost: x\r\n\r\n`), line).to.match(/^HTTP\/1\.1 400 /);
    }
    expect(await sendRaw(port, "GET /\r\nHost: x\r\n\r\n")).to.match(/^HTTP\/1\.1 505 /);
    expect(await sendRaw(port, "GET / HTTP/1.1\r\n\r\n")).to.match(/^HTTP\/1\.1 400 /);
    expect(asked).to.deep.equal([]);
  });

  it("refuses a flood of header fields, by number and by size", async () => {
    const fields = Array.from({ length: 101 }, (_unused, i) => `X-${i}: 1\r\n`).join("");
    const many = `GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${fields}\r\n`;
    const byNumber = await sendRaw(port, many);
    expect(byNumber).to.match(/^HTTP\/1\.1 431 /);
    expect(byNumber).to.contain("HEADERS_TOO_MANY");
    const large = `GET / HTTP/1.1\r\nHost: x\r\nX: ${"y".repeat(17_000)}\r\n\r\n`;
    expect(await sendRaw(port, large)).to.match(/^HTTP\/1\.1 431 /);
    expect(asked).to.deep.equal([]);
  });

  it("closes on a client that takes its time over the head or the body", async () => {
    const slowHead = await rig.serve(() => {}, { headersTimeoutMs: 20 });
    expect(await sendRaw(slowHead, "GET / HTTP/1.1\r\nHost: x\r\nX-Slow")).to.match(
      /^HTTP\/1\.1 408 /,
    );
    const body = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx";
    const slow = await rig.serve(() => {}, { headersTimeoutMs: 20, requestTimeoutMs: 40 });
    expect(await sendRaw(slow, body)).to.match(/^HTTP\/1\.1 408 /);
  });

  it("does not reset the connection of a client that is still sending a refused body", async () => {
    const small = await rig.serve(() => {}, { maxRequestBytes: 10 });
    const socket = connect({ port: small, host: "127.0.0.1", allowHalfOpen: true });
    socket.on("error", () => {});
    // More than sockets buffer: it can be written only if the gateway reads it.
    const body = Buffer.alloc(32 * 1024 * 1024);
    socket.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n`);
    const [said] = await once(socket, "data");
    expect(String(said)).to.match(/^HTTP\/1\.1 413 /);
    const broken = await new Promise((resolve) => socket.write(body, resolve));
    expect(broken ?? undefined).to.equal(undefined);
    await once(socket.resume(), "end");
    socket.destroy();
  });

  it("closes on a client that takes nothing", async () => {
    let asked = (_response: ServerResponse) => {};
    const answering = new Promise<ServerResponse>((resolve) => (asked = resolve));
    const stuck = await rig.serve(
      (_request, response) => {
        const more = () => {
          while (response.write(Buffer.alloc(65_536)));
          response.once("drain", more);
        };
        more();
        asked(response);
      },
      // The upstream must be asked within its time on a busy machine, too.
      { clientTimeoutMs: 100, upstreamTimeoutMs: 2_000 },
    );
    const socket = connect({ port: stuck, host: "127.0.0.1" });
    socket.on("error", () => {});
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await once(await answering, "close");
    socket.destroy();
  });

  it("has no receipts for HTTP/1.0, which has no trailers, but serves it", async () => {
    const refused = await sendRaw(port, `GET / HTTP/1.0\r\nService-Nonce: ${NONCE}\r\n\r\n`);
    expect(refused).to.match(/^HTTP\/1\.1 400 /);
    expect(refused).to.contain("NONCE_NEEDS_HTTP_1_1");
    expect(await sendRaw(port, "GET / HTTP/1.0\r\n\r\n")).to.match(/^HTTP\/1\.1 200 .*ok$/s);
  });

  it("answers pipelined requests in order, each with its own receipt", async () => {
    const one = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\nService-Nonce: ${NONCE}\r\n`;
    const said = await sendRaw(port, `${one("/1")}\r\n${one("/2")}Connection: close\r\n\r\n`);
    const receipts = [...said.matchAll(/Service-Receipt: (\S+)/g)].map((match) => match[1]);
    const answer = { status: 200, body: Buffer.from("ok") };
    expect(receipts.length).to.equal(2);
    expect(fault(receipts[0], { path: "/1" }, answer)).to.equal(undefined);
    expect(fault(receipts[1], { path: "/2" }, answer)).to.equal(undefined);
  });

  it("answers the request before bytes that are no request, and only then closes", async () => {
    for (const bad of ["GARBAGE\r\n\r\n", "GET / HTTP/1.1\r\nX Y: z\r\n\r\n", "\0", "POST /\t"]) {
      asked = [];
      const first = "GET /first HTTP/1.1\r\nHost: x\r\n\r\n";
      const second = "POST /second HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab";
      const said = await sendRaw(port, `${first}${second}${bad}`);
      expect(said.match(/HTTP\/1\.1 \d+/g), bad).to.deep.equal(["HTTP/1.1 200", "HTTP/1.1 200"]);
      expect(asked, bad).to.have.members(["/first", "/second"]);
    }
    // A request behind the last one that the client has announced is ignored (RFC 9112, 9.6).
    const last = "GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    expect(await sendRaw(port, `${last}${last}`)).to.match(/^HTTP\/1\.1 200 [^]*\r\n\r\nok$/);
  });

  it("limits one peer's receipts by the injected clock, and nothing else", async () => {
    for (let i = 0; i < 2; i++) {
      expect((await ask({ port, headers: WITH_NONCE })).status).to.equal(200);
    }
    const refused = await ask({ port, headers: WITH_NONCE });
    expect(refused.status).to.equal(429);
    expect(refused.headers["retry-after"]).to.equal("1");
    expect(refused.headers["content-type"]).to.equal("application/problem+json");
    expect(refused.headers).not.to.have.property("service-receipt");
    expect(asked.length).to.equal(2);
    expect((await ask({ port })).status).to.equal(200);

    rig.monotonic += 499;
    expect((await ask({ port, headers: WITH_NONCE })).status).to.equal(429);
    rig.monotonic += 1;
    const answer = await ask({ port, headers: WITH_NONCE });
    expect(fault(answer.headers["service-receipt"], {}, answer)).to.equal(undefined);
    expect((await ask({ port, headers: WITH_NONCE })).status).to.equal(429);
  });

  it("names no time for a receipt that will never come", async () => {
    const { url } = await rig.upstream((_request, response) => response.end());
    const { port: without } = (await rig.gateway(url, { receiptBurst: 0 })).address;
    const refused = await ask({ port: without, headers: WITH_NONCE });
    expect(refused.status).to.equal(429);
    expect(refused.headers).not.to.have.property("retry-after");
  });
});
