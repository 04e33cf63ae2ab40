import { expect } from "chai";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { createServer as createTcpServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import type { Server as TlsServer } from "node:tls";
import path from "node:path";
import { parseUpstream } from "../../../src/net/upstreamUrl.ts";
import { diallingOf } from "../../../src/provider/gateway/dialling.ts";
import { makeCertificate, type Certificate } from "../../support/certificates.ts";
import { ask, head, open, whole } from "../../support/httpClient.ts";
import { fault, ProviderRig, WITH_NONCE } from "../../support/providerRig.ts";

const authority = makeCertificate({ name: "A private authority" });
const good = makeCertificate({ name: "upstream", hosts: ["localhost"], issuer: authority });

describe("Gateway: upstreams by Unix socket and by https", () => {
  const rig = new ProviderRig();
  const folder = mkdtempSync(path.join(tmpdir(), "blockcloud-socket-"));
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  afterEach(async () => {
    await rig.close();
    for (const server of servers.splice(0)) server.close();
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  async function listening(server: Server, where: string | number): Promise<void> {
    servers.push(server);
    server.on("connection", (socket: Socket) => sockets.add(socket));
    if (typeof where === "string") server.listen(where);
    else server.listen(where, "127.0.0.1");
    await once(server, "listening");
  }

  async function bySocket(listener: RequestListener) {
    const server = createHttpServer(listener);
    const file = path.join(folder, `${servers.length}-${randomBytes(4).toString("hex")}.sock`);
    await listening(server, file);
    return { server, upstream: parseUpstream(`unix:${file}`)!, host: "localhost", ca: undefined };
  }

  async function byTls(listener: RequestListener, certificate: Certificate = good) {
    const server = createTlsServer({ cert: certificate.cert, key: certificate.key }, listener);
    await listening(server, 0);
    const upstream = new URL(`https://localhost:${(server.address() as AddressInfo).port}`);
    return { server, upstream, host: upstream.host, ca: authority.cert as string | undefined };
  }

  for (const [name, start] of [
    ["Unix socket", bySocket],
    ["https", byTls],
  ] as const) {
    it(`serves an upstream by ${name}, with receipts, and keeps its connections`, async () => {
      let connections = 0;
      const { server, upstream, host, ca } = await start((request, response) => {
        const parts: Buffer[] = [];
        request.on("data", (part: Buffer) => parts.push(part));
        request.on("end", () => {
          response.setHeader("Location", `${upstream.protocol}//${request.headers.host}/next`);
          response.end(`${request.headers.host} ${request.url} ${Buffer.concat(parts).toString()}`);
        });
      });
      server.on(name === "https" ? "secureConnection" : "connection", () => connections++);
      const { port } = (await rig.gateway(upstream, { upstreamCa: ca })).address;

      const got = await ask({ port, path: "/a?b", headers: WITH_NONCE });
      expect(got.body.toString()).to.equal(`${host} /a?b `);
      const receipt = got.headers["service-receipt"] ?? got.trailers["service-receipt"];
      expect(fault(receipt, { path: "/a?b" }, got)).to.equal(undefined);
      if (name === "https") expect(got.headers.location).to.equal("/next");
      await ask({ port });
      expect(connections).to.equal(1);

      const body = Buffer.from("sent");
      const posted = await ask({ port, method: "POST", body });
      expect(posted.body.toString()).to.equal(`${host} / sent`);
      expect(connections).to.equal(2);
    });

    it(`streams bodies in both directions over ${name}`, async () => {
      const { upstream, ca } = await start((request, response) => {
        response.writeHead(200, { "Content-Type": "text/event-stream" });
        request.pipe(response);
      });
      const { port } = (await rig.gateway(upstream, { upstreamCa: ca })).address;
      const asking = open({ port, method: "POST" });
      asking.write("first");
      const [message] = await once(asking, "response");
      const [first] = await once(message, "data");
      expect(String(first)).to.equal("first");
      const large = randomBytes(3_000_000);
      asking.end(large);
      const answer = await whole(message);
      expect(answer.body.equals(large)).to.equal(true);
    });

    it(`joins a WebSocket tunnel over ${name}`, async () => {
      const { server, upstream, ca } = await start((_, response) => response.end());
      server.on("upgrade", (_, socket) => {
        socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n");
        socket.write("Upgrade: websocket\r\n\r\n");
        socket.pipe(socket);
      });
      const { port } = (await rig.gateway(upstream, { upstreamCa: ca })).address;
      const asking = open({ port, headers: { Connection: "Upgrade", Upgrade: "websocket" } });
      asking.flushHeaders();
      const [message, socket] = (await once(asking, "upgrade")) as [unknown, Socket];
      expect(message).to.have.property("statusCode", 101);
      const sent = randomBytes(500_000);
      socket.end(sent);
      const got: Buffer[] = [];
      for await (const part of socket) got.push(part as Buffer);
      expect(Buffer.concat(got).equals(sent)).to.equal(true);
    });

    it(`breaks the client's connection when a body over ${name} breaks off`, async () => {
      const { upstream, ca } = await start((request, response) => {
        response.writeHead(200, { "Content-Length": 9_999 });
        response.write("some bytes", () => request.socket.destroy());
      });
      const { port } = (await rig.gateway(upstream, { upstreamCa: ca })).address;
      const outcome = await ask({ port, headers: WITH_NONCE }).catch((error: unknown) => error);
      // A close may overtake the head: then the gateway answers by itself.
      if (!(outcome instanceof Error)) expect(outcome).to.have.property("status", 502);
    });
  }

  /** The code in the log, after a request that the gateway answers with 502. */
  async function failing(upstream: URL, ca?: string): Promise<string | undefined> {
    const { port } = (await rig.gateway(upstream, { upstreamCa: ca })).address;
    // No session of a refused server is resumed.
    for (const method of ["POST", "POST"]) {
      expect((await ask({ port, method })).status).to.equal(502);
    }
    const answer = await ask({ port, headers: WITH_NONCE });
    expect(answer.status).to.equal(502);
    expect(JSON.parse(answer.body.toString())).to.have.property("code", "UPSTREAM_FAILED");
    expect(answer.body.toString()).not.to.contain(upstream.pathname.slice(1) || "localhost");
    expect(answer.headers).to.have.property("service-receipt");
    const line = rig.log.findLast((each) => each.includes("Upstream failed"));
    const { cause } = JSON.parse(line ?? "{}") as { cause?: string };
    return cause?.split(":")[0];
  }

  it("says why a socket cannot be used", async () => {
    const missing = path.join(folder, "missing.sock");
    expect(await failing(parseUpstream(`unix:${missing}`)!)).to.equal("UPSTREAM_SOCKET_MISSING");

    const file = path.join(folder, "file with a % and ?.sock");
    writeFileSync(file, "");
    expect(await failing(parseUpstream(`unix:${file}`)!)).to.equal("UPSTREAM_SOCKET_INVALID");

    const left = path.join(folder, "left.sock");
    // Node removes the file when a server closes; a server that was killed leaves it.
    const script = `require("net").createServer().listen(${JSON.stringify(left)}, () => process.kill(process.pid, 9))`;
    spawnSync(process.execPath, ["-e", script]);
    expect(await failing(parseUpstream(`unix:${left}`)!)).to.equal("UPSTREAM_SOCKET_CLOSED");

    // Root may open every file, so this one is explained without a connection.
    const { explain } = diallingOf(parseUpstream("unix:/run/app.sock")!, undefined);
    const denied = Object.assign(new Error("connect EACCES"), { code: "EACCES" });
    expect(await explain(denied, null)).to.have.property("code", "UPSTREAM_SOCKET_DENIED");
  });

  it("refuses a certificate that is not the upstream's, and says why in the log", async () => {
    const answering: RequestListener = (_, response) => response.end("never");
    const otherName = makeCertificate({ name: "x", hosts: ["other.example"], issuer: authority });
    const past = { notBefore: "200101000000Z", notAfter: "210101000000Z" };
    const expired = makeCertificate({
      name: "x",
      hosts: ["localhost"],
      issuer: authority,
      ...past,
    });
    const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
    try {
      for (const [certificate, ca, reason] of [
        [good, undefined, "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
        [good, makeCertificate({ name: "Another" }).cert, "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
        [makeCertificate({ name: "self" }), authority.cert, "DEPTH_ZERO_SELF_SIGNED_CERT"],
        [otherName, authority.cert, "ERR_TLS_CERT_ALTNAME_INVALID"],
        [expired, authority.cert, "CERT_HAS_EXPIRED"],
      ] as const) {
        const { upstream } = await byTls(answering, certificate);
        expect(await failing(upstream, ca), reason).to.equal("UPSTREAM_CERTIFICATE");
        expect(rig.log.findLast((each) => each.includes("Upstream failed"))).to.contain(reason);
      }
    } finally {
      if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
    }
  });

  it("tells a server without TLS and a closed port from a wrong certificate", async () => {
    const plain = await rig.upstream((_, response) => response.end("plain"));
    expect(await failing(new URL(`https://localhost:${plain.url.port}`))).to.equal("UPSTREAM_TLS");

    const closed = createTcpServer().listen(0, "127.0.0.1");
    await once(closed, "listening");
    const { port } = closed.address() as AddressInfo;
    closed.close();
    await once(closed, "close");
    expect(await failing(new URL(`https://127.0.0.1:${port}`))).to.equal("ECONNREFUSED");
  });

  it("resumes the TLS session on each new connection", async () => {
    const { server, upstream } = await byTls((request, response) => {
      request.resume();
      response.end();
    });
    const reused: boolean[] = [];
    (server as unknown as TlsServer).on("secureConnection", (socket) => {
      reused.push(socket.isSessionReused());
    });
    const { port } = (await rig.gateway(upstream, { upstreamCa: authority.cert })).address;
    for (let time = 0; time < 3; time++) {
      await ask({ port, method: "POST", body: Buffer.from("x") });
    }
    expect(reused).to.deep.equal([false, true, true]);
  });

  it("names the upstream in SNI, and no address", async () => {
    for (const [host, name] of [
      ["localhost", "localhost"],
      ["127.0.0.1", undefined],
    ] as const) {
      const asked = Promise.withResolvers<string | undefined>();
      const { server, upstream } = await byTls((_, response) => response.end());
      const tls = server as unknown as TlsServer;
      const named = ({ servername }: { servername?: string | false | null }) => {
        asked.resolve(servername === false || servername === null ? undefined : servername);
      };
      tls.on("secureConnection", named);
      tls.on("tlsClientError", (_, socket) => {
        named(socket);
      });
      const to = new URL(`https://${host}:${upstream.port}`);
      const { port } = (await rig.gateway(to, { upstreamCa: authority.cert })).address;
      (await head({ port })).resume();
      expect(await asked.promise, host).to.equal(name);
    }
  });

  it("reads the forms of an upstream, and no other", () => {
    for (const [text, href] of [
      ["http://127.0.0.1:3000", "http://127.0.0.1:3000/"],
      ["https://up.example", "https://up.example/"],
      ["unix:/run/app.sock", "unix:/run/app.sock"],
      ["unix:/run/a b%2f?.sock", "unix:/run/a%20b%252f%3F.sock"],
    ] as const) {
      expect(parseUpstream(text)?.href, text).to.equal(href);
    }
    for (const text of [
      "unix:app.sock",
      "unix://run/app.sock",
      "unix:",
      "unix:/",
      "unix:/run/",
      `unix:/${"a".repeat(107)}`,
      "http://unix:/run/app.sock",
      "http://127.0.0.1:3000/base",
      "http://127.0.0.1:3000?q",
      "https://user:word@up.example",
      "ftp://up.example",
      "/run/app.sock",
    ]) {
      expect(parseUpstream(text), text).to.equal(undefined);
    }
  });

  it("refuses authorities for an upstream that shows no certificate", async () => {
    const outcome = await rig
      .gateway(new URL("http://127.0.0.1:1"), { upstreamCa: authority.cert })
      .catch((error: unknown) => error);
    expect(outcome).to.have.property("code", "GATEWAY_OPTIONS");
  });
});
