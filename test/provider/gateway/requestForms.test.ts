import { expect } from "chai";
import type { IncomingMessage } from "node:http";
import { ask, sendRaw } from "../../support/httpClient.ts";
import { fault, NONCE, ProviderRig } from "../../support/providerRig.ts";
import { ScriptedUpstream } from "../../support/scriptedUpstream.ts";

describe("Gateway: forms of a request", () => {
  const rig = new ProviderRig();
  let port = 0;
  let seen: IncomingMessage | undefined;
  beforeEach(async () => {
    seen = undefined;
    port = await rig.serve((request, response) => {
      seen = request;
      response.setHeader("Content-Length", 2).end("ok");
    });
  });
  afterEach(() => rig.close());

  /** The answer to a request line and fields, and its receipt. */
  async function raw(line: string, ...fields: string[]) {
    const text = [line, ...fields, "Connection: close", "", ""].join("\r\n");
    const said = await sendRaw(port, text);
    return { said, receipt: /^Service-Receipt: (\S+)/im.exec(said)?.[1] };
  }

  it("serves a target in absolute form, and signs its path and query", async () => {
    for (const [url, origin, host] of [
      ["http://weather.bloc.alt/a/../b?c=%2e", "/a/../b?c=%2e", "weather.bloc.alt"],
      ["HTTP://Weather.bloc.alt:8080", "/", "Weather.bloc.alt:8080"],
      ["https://[2001:db8::1]:8443?q", "/?q", "[2001:db8::1]:8443"],
      ["http://weather.bloc.alt//x", "//x", "weather.bloc.alt"],
    ] as const) {
      const { said, receipt } = await raw(
        `GET ${url} HTTP/1.1`,
        "Host: other.example",
        `Service-Nonce: ${NONCE}`,
      );
      expect(said, url).to.match(/^HTTP\/1\.1 200 .*ok$/s);
      expect(seen?.url, url).to.equal(origin);
      // RFC 9112, 3.2.2: the target's authority replaces the Host field.
      expect(seen?.headers["x-forwarded-host"], url).to.equal(host);
      const answer = { status: 200, body: Buffer.from("ok") };
      expect(fault(receipt, { path: origin }, answer), url).to.equal(undefined);
    }
  });

  it("passes lengths on without leading zeros, either way", async () => {
    const { said } = await raw("POST / HTTP/1.1", "Host: x", "Content-Length: 0000");
    expect(said).to.match(/^HTTP\/1\.1 200 .*ok$/s);
    expect(seen?.headers["content-length"]).to.equal("0");
    const upstream = await ScriptedUpstream.start([
      "request",
      { send: "HTTP/1.1 200 OK\r\nContent-Length: 0010\r\n\r\n0123456789" },
    ]);
    try {
      const gateway = await rig.gateway(upstream.url);
      expect((await ask({ port: gateway.address.port })).headers["content-length"]).to.equal("10");
    } finally {
      await upstream.close();
    }
  });

  it("refuses several Host fields and a malformed one, and asks the upstream nothing", async () => {
    for (const fields of [
      ["Host: a", "Host: b"],
      ["Host: a", "host: a"],
      ["Host:", "Host: a"],
      ["Host: a b/c@d"],
      ["Host: user@a"],
      ["Host: a/b"],
      ["Host: a:port"],
      ["Host: a:1:2"],
      ["Host: a, b"],
      ["Host: a:65536"],
      ["Host: [::1"],
      ["Host: [::1::2]"],
      ["Host: [1.2.3.4]"],
      ["Host: \u00e9"],
      ["Host: a%00"],
      [`Host: ${"a".repeat(300)}`],
    ]) {
      for (const line of ["GET / HTTP/1.1", "GET http://x/ HTTP/1.1"]) {
        const { said } = await raw(line, ...fields);
        expect(said, fields.join()).to.match(/^HTTP\/1\.1 400 /);
        expect(said, fields.join()).to.contain("HOST_REFUSED");
      }
    }
    expect(seen).to.equal(undefined);
  });

  it("serves each Host that real clients send, also none where HTTP allows that", async () => {
    for (const host of [
      "weather.bloc.alt",
      "weather.bloc.alt.:80",
      "my_service",
      "127.0.0.1:8080",
      "[::1]:80",
      "[::ffff:192.0.2.1]",
      "a:",
    ]) {
      expect((await raw("GET / HTTP/1.1", `Host: ${host}`)).said, host).to.match(/ 200 /);
      expect(seen?.headers["x-forwarded-host"], host).to.equal(host);
    }
    expect((await raw("GET / HTTP/1.1", "Host:")).said).to.match(/ 200 /);
    expect(seen?.headers).not.to.have.property("x-forwarded-host");
    expect((await raw("GET / HTTP/1.0")).said).to.match(/ 200 /);
  });

  it("refuses a body in a transfer coding that it would have to unpack", async () => {
    const body = "2\r\nok\r\n0\r\n\r\n";
    for (const coding of ["gzip, chunked", "gzip,chunked", "x;q=1, chunked"]) {
      const text = `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: ${coding}\r\n\r\n${body}`;
      const said = await sendRaw(port, text);
      expect(said, coding).to.match(/^HTTP\/1\.1 501 /);
      expect(said, coding).to.contain("TRANSFER_CODING_REFUSED");
      expect(said, coding).to.match(/^Connection: close/im);
    }
    const twice = "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked";
    expect(await sendRaw(port, `POST / HTTP/1.1\r\nHost: x\r\n${twice}\r\n\r\n${body}`)).to.match(
      /^HTTP\/1\.1 501 /,
    );
    const old = `POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${body}`;
    expect(await sendRaw(port, old)).to.match(/^HTTP\/1\.1 501 /);
    expect(seen).to.equal(undefined);
    const plain = `POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: Chunked \r\n\r\n${body}`;
    expect(await sendRaw(port, plain)).to.match(/^HTTP\/1\.1 200 /);
  });
});

describe("Gateway: codings and trailers of the upstream", () => {
  const rig = new ProviderRig();
  afterEach(() => rig.close());

  it("answers 502 to a response in a transfer coding that the gateway did not ask for", async () => {
    const chunks = "2\r\nok\r\n0\r\n\r\n";
    for (const said of [
      `Transfer-Encoding: gzip, chunked\r\n\r\n${chunks}`,
      `Transfer-Encoding: chunked, chunked\r\n\r\n${chunks}`,
      "Transfer-Encoding: gzip\r\n\r\nok",
      "Transfer-Encoding: identity\r\n\r\nok",
    ]) {
      const upstream = await ScriptedUpstream.start([
        "request",
        { send: `HTTP/1.1 200 OK\r\n${said}` },
        "close",
      ]);
      const { port } = (await rig.gateway(upstream.url)).address;
      const answer = await ask({ port, headers: { "Service-Nonce": NONCE } });
      expect(answer.status, said).to.equal(502);
      expect(fault(answer.headers["service-receipt"], {}, answer), said).to.equal(undefined);
      await upstream.close();
    }
  });

  describe("trailers", () => {
    let te: unknown;
    let port = 0;
    beforeEach(async () => {
      port = await rig.serve((request, response) => {
        te = request.headers.te;
        const names = "X-Checksum, Content-Digest, Set-Cookie, Service-Receipt, Content-Length";
        response.writeHead(200, { Trailer: names });
        response.write("o");
        response.addTrailers([
          ["X-Checksum", "1"],
          ["X-Checksum", "2"],
          ["Content-Digest", "sha-256=:x:"],
          ["Set-Cookie", "a=1"],
          ["Service-Receipt", "forged"],
          ["X-Unannounced", "3"],
        ]);
        response.end("k");
      });
    });

    it("passes them on to a client that takes them, except what belongs into a head", async () => {
      const answer = await ask({ port, headers: { TE: "trailers" } });
      expect(te).to.equal("trailers");
      expect(answer.headers.trailer).to.equal("X-Checksum, Content-Digest");
      expect(answer.body.toString()).to.equal("ok");
      expect(answer.trailers).to.deep.equal({
        "x-checksum": "1, 2",
        "content-digest": "sha-256=:x:",
        "x-unannounced": "3",
      });
    });

    it("adds the receipt to them", async () => {
      const headers = { TE: "gzip;q=0.1, Trailers", "Service-Nonce": NONCE };
      const answer = await ask({ port, headers });
      expect(answer.headers.trailer).to.equal("X-Checksum, Content-Digest, Service-Receipt");
      expect(answer.trailers).to.include({ "x-checksum": "1, 2", "x-unannounced": "3" });
      expect(fault(answer.trailers["service-receipt"], {}, answer)).to.equal(undefined);
    });

    it("keeps them from a client that does not ask for them", async () => {
      const answer = await ask({ port });
      expect(te).to.equal(undefined);
      expect(answer.headers).not.to.have.property("trailer");
      expect(answer.trailers).to.deep.equal({});
      const old = await ask({ port, headers: { "Service-Nonce": NONCE } });
      expect(Object.keys(old.trailers)).to.deep.equal(["service-receipt"]);
    });
  });

  it("keeps the upstream's connection when it asks for trailers", async () => {
    const { url, server } = await rig.upstream((_request, response) => response.end("ok"));
    let connections = 0;
    server.on("connection", () => connections++);
    const { port } = (await rig.gateway(url)).address;
    for (let i = 0; i < 3; i++) await ask({ port, headers: { TE: "trailers" } });
    expect(connections).to.equal(1);
  });
});
