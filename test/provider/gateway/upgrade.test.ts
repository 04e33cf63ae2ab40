import { expect } from "chai";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { ask, open, sendRaw, whole } from "../../support/httpClient.ts";
import { fault, NONCE, ProviderRig, WITH_NONCE } from "../../support/providerRig.ts";

const UPGRADE = {
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
};
const SWITCH =
  "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nService-Receipt: forged\r\n\r\n";

describe("Gateway: upgrade", () => {
  const rig = new ProviderRig();
  afterEach(() => rig.close());

  async function echo(onUpgrade?: (request: IncomingMessage, socket: Socket) => void) {
    const { url, server } = await rig.upstream((_request, response) => {
      response.setHeader("Content-Length", 5).end("plain");
    });
    server.on("upgrade", (request, stream, head) => {
      const socket = stream as Socket;
      if (onUpgrade) {
        onUpgrade(request, socket);
        return;
      }
      socket.write(`${SWITCH}hello `);
      socket.write(head);
      socket.pipe(socket);
    });
    return (await rig.gateway(url)).address.port;
  }

  async function upgrade(port: number, headers: Record<string, string>, early = "") {
    const asking = open({ port, path: "/chat", headers: { ...UPGRADE, ...headers } });
    asking.flushHeaders();
    if (early) asking.once("socket", (socket) => socket.once("connect", () => socket.write(early)));
    const [message, socket, head] = (await once(asking, "upgrade")) as [
      IncomingMessage,
      Socket,
      Buffer,
    ];
    if (head.length > 0) socket.unshift(head);
    return { message, socket };
  }

  async function read(socket: Socket, bytes: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      chunks.push(chunk as Buffer);
      length += (chunk as Buffer).length;
      if (length >= bytes) break;
    }
    return Buffer.concat(chunks);
  }

  it("joins both sides, and signs the 101 in its header", async () => {
    const port = await echo();
    const { message, socket } = await upgrade(port, WITH_NONCE);
    expect(message.headers).to.include({
      upgrade: "websocket",
      connection: "Upgrade",
      "sec-websocket-accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    });
    const answer = { status: 101, body: Buffer.alloc(0) };
    const receipt = message.headers["service-receipt"];
    expect(fault(receipt, { path: "/chat" }, answer)).to.equal(undefined);

    const sent = randomBytes(1_000_000);
    socket.write(sent);
    const got = await read(socket, 6 + sent.length);
    expect(got.subarray(0, 6).toString()).to.equal("hello ");
    expect(got.subarray(6).equals(sent)).to.equal(true);

    const closed = once(socket, "close");
    socket.end("bye");
    expect((await read(socket, 3)).toString()).to.equal("bye");
    socket.resume();
    await closed;
  });

  it("gives no receipt without a nonce, least of all the upstream's", async () => {
    const { message, socket } = await upgrade(await echo(), {});
    expect(message.headers).not.to.have.property("service-receipt");
    socket.destroy();
  });

  it("forwards the request to the upstream without the nonce", async () => {
    let seen: IncomingMessage["headers"] = {};
    const port = await echo((request, socket) => {
      seen = request.headers;
      socket.write(SWITCH);
    });
    const { socket } = await upgrade(port, WITH_NONCE);
    socket.destroy();
    expect(seen).to.include({ upgrade: "websocket", connection: "Upgrade" });
    expect(seen["sec-websocket-key"]).to.equal(UPGRADE["Sec-WebSocket-Key"]);
    expect(seen).not.to.have.property("service-nonce");
  });

  it("loses nothing that a client sends before the 101", async () => {
    const { socket } = await upgrade(await echo(), {}, "early");
    expect((await read(socket, 11)).toString()).to.equal("hello early");
    socket.destroy();
  });

  it("closes the other side when one breaks", async () => {
    let upstream: Socket | undefined;
    const port = await echo((_request, socket) => {
      upstream = socket;
      socket.write(SWITCH);
    });
    const first = await upgrade(port, {});
    const upstreamClosed = once(upstream!, "end");
    upstream?.resume();
    first.socket.resetAndDestroy();
    await upstreamClosed;

    const second = await upgrade(port, {});
    second.socket.resume();
    const clientClosed = once(second.socket, "close");
    upstream?.destroy();
    await clientClosed;
  });

  it("passes a refusal on as the plain answer that it is, with its receipt", async () => {
    const port = await echo((_request, socket) => {
      socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    });
    const answer = await ask({ port, path: "/chat", headers: { ...UPGRADE, ...WITH_NONCE } });
    expect(answer.status).to.equal(403);
    const receipt = answer.headers["service-receipt"];
    expect(fault(receipt, { path: "/chat" }, answer)).to.equal(undefined);

    const streams = await echo((_request, socket) => {
      socket.end("HTTP/1.1 404 Not Found\r\n\r\nuntil the end");
    });
    const streamed = await ask({ port: streams, headers: { ...UPGRADE, ...WITH_NONCE } });
    expect(streamed.body.toString()).to.equal("until the end");
    expect(fault(streamed.trailers["service-receipt"], {}, streamed)).to.equal(undefined);
  });

  it("answers 400 and 502 on the same terms as any request", async () => {
    const port = await echo((_request, socket) => socket.destroy());
    const malformed = await ask({ port, headers: { ...UPGRADE, "Service-Nonce": "0x1" } });
    expect(malformed.status).to.equal(400);
    const broken = await ask({ port, headers: { ...UPGRADE, ...WITH_NONCE } });
    expect(broken.status).to.equal(502);
    expect(fault(broken.headers["service-receipt"], {}, broken)).to.equal(undefined);
  });

  it("answers any other upgrade over HTTP/1.1, so that no h2c passes it by", async () => {
    const port = await echo();
    const headers = { Connection: "Upgrade, HTTP2-Settings", "HTTP2-Settings": "AAMAAABk" };
    const answer = await ask({ port, headers: { ...headers, Upgrade: "h2c", ...WITH_NONCE } });
    expect(answer.body.toString()).to.equal("plain");
    expect(fault(answer.headers["service-receipt"], {}, answer)).to.equal(undefined);
    const body = "Upgrade: websocket\r\nConnection: Upgrade, close\r\nContent-Length: 1\r\n\r\nx";
    const said = await sendRaw(
      port,
      `GET / HTTP/1.1\r\nHost: x\r\nService-Nonce: ${NONCE}\r\n${body}`,
    );
    expect(said).to.match(/^HTTP\/1\.1 200 .*plain$/s);
    // HTTP/1.0 has no upgrades (RFC 9110, 7.8).
    const old = "GET / HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    expect(await sendRaw(port, old)).to.match(/^HTTP\/1\.1 200 .*plain$/s);
  });

  it("breaks off when the client leaves before the answer", async () => {
    let arrived = (_socket: Socket) => {};
    const upstream = new Promise<Socket>((resolve) => (arrived = resolve));
    const port = await echo((_request, socket) => {
      arrived(socket);
    });
    const asking = open({ port, headers: UPGRADE });
    asking.flushHeaders();
    const socket = await upstream;
    const closed = once(socket.resume(), "end");
    asking.destroy();
    await closed;
    // And the gateway still serves.
    const message = await new Promise<IncomingMessage>((resolve) =>
      open({ port }).once("response", resolve).end(),
    );
    expect((await whole(message)).body.toString()).to.equal("plain");
  });
});
