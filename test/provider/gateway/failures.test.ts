import { expect } from "chai";
import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { once } from "node:events";
import { mock } from "node:test";
import { Agent, type IncomingMessage } from "node:http";
import { ask, failureOf, head, open, whole } from "../../support/httpClient.ts";
import { fault, ProviderRig, WITH_NONCE } from "../../support/providerRig.ts";
import { settled } from "../../support/settled.ts";

/** How long these upstreams may keep silent. Where something is to succeed, a test moves the time itself. */
const SHORT_MS = 100;

describe("Gateway: a failing upstream", () => {
  const rig = new ProviderRig();
  afterEach(() => {
    mock.timers.reset();
    return rig.close();
  });

  async function deadUpstream(): Promise<URL> {
    const { url, server } = await rig.upstream(() => {});
    await new Promise((resolve) => server.close(resolve));
    return url;
  }

  it("answers 502 when it is down, and stands by that if there is a nonce", async () => {
    const gateway = await rig.gateway(await deadUpstream());
    const { port } = gateway.address;
    const asked = { method: "POST", path: "/x", body: randomBytes(200_000) };
    const answer = await ask({ port, ...asked, headers: WITH_NONCE });
    expect(answer.status).to.equal(502);
    expect(answer.headers["content-type"]).to.equal("application/problem+json");
    expect(JSON.parse(answer.body.toString())).to.include({ status: 502, code: "UPSTREAM_FAILED" });
    expect(answer.body.toString()).not.to.contain("127.0.0.1");
    expect(fault(answer.headers["service-receipt"], asked, answer)).to.equal(undefined);

    const plain = await ask({ port });
    expect(plain.status).to.equal(502);
    expect(plain.headers).not.to.have.property("service-receipt");

    const asHead = await ask({ port, method: "HEAD", headers: WITH_NONCE });
    expect(asHead.status).to.equal(502);
    expect(fault(asHead.headers["service-receipt"], { method: "HEAD" }, asHead)).to.equal(
      undefined,
    );
  });

  it("answers 504 with a receipt when no answer comes in time", async () => {
    const port = await rig.serve(() => {}, { upstreamTimeoutMs: SHORT_MS });
    const answer = await ask({ port, headers: WITH_NONCE });
    expect(answer.status).to.equal(504);
    expect(JSON.parse(answer.body.toString()).code).to.equal("UPSTREAM_TIMEOUT");
    expect(fault(answer.headers["service-receipt"], {}, answer)).to.equal(undefined);
  });

  it("answers 504 when the upstream stops taking the request", async () => {
    const url = await rig.rawUpstream((socket) => socket.pause());
    const { port } = (await rig.gateway(url, { upstreamTimeoutMs: SHORT_MS })).address;
    const asked = { method: "POST", body: randomBytes(10 * 1024 * 1024) };
    const answer = await ask({ port, ...asked, headers: WITH_NONCE });
    expect(answer.status).to.equal(504);
    expect(fault(answer.headers["service-receipt"], asked, answer)).to.equal(undefined);
  });

  it("answers 504 when a body that is to be buffered stops half-way", async () => {
    const options = { upstreamTimeoutMs: SHORT_MS };
    const port = await rig.serve((_request, response) => {
      response.setHeader("Content-Length", 10).write("half");
    }, options);
    const answer = await ask({ port, headers: WITH_NONCE });
    expect(answer.status).to.equal(504);
    expect(fault(answer.headers["service-receipt"], {}, answer)).to.equal(undefined);
  });

  it("breaks a stream off without a receipt when it stops half-way", async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    const options = { upstreamTimeoutMs: SHORT_MS };
    const port = await rig.serve((_request, response) => void response.write("half"), options);
    const message = await head({ port, headers: WITH_NONCE });
    await once(message, "readable");
    mock.timers.tick(SHORT_MS);
    expect((await failureOf(whole(message))).code).to.equal("ECONNRESET");
    expect(message.trailers).to.deep.equal({});
  });

  it("does not hold the time a client takes to send against the upstream", async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    const begun = Promise.withResolvers<undefined>();
    const options = { upstreamTimeoutMs: SHORT_MS };
    const port = await rig.serve((request, response) => {
      request.once("readable", () => {
        begun.resolve(undefined);
        request.pipe(response);
      });
    }, options);
    const asking = open({ port, method: "POST", headers: { "Content-Length": "8" } });
    const answered = once(asking, "response") as Promise<[IncomingMessage]>;
    asking.write("slow");
    await begun.promise;
    mock.timers.tick(10 * SHORT_MS);
    asking.end("ness");
    const [message] = await answered;
    expect((await whole(message)).body.toString()).to.equal("slowness");
  });

  it("answers 502 when the upstream breaks off a body that is to be buffered", async () => {
    const port = await rig.serve((_request, response) => {
      response.setHeader("Content-Length", 10).write("half", () => response.destroy());
    });
    const answer = await ask({ port, headers: WITH_NONCE });
    expect(answer.status).to.equal(502);
    expect(fault(answer.headers["service-receipt"], {}, answer)).to.equal(undefined);
  });

  it("cuts off a response that it has started to stream, and signs nothing", async () => {
    for (const headers of [{}, WITH_NONCE]) {
      for (const length of [undefined, 9_999_999]) {
        const port = await rig.serve((_request, response) => {
          if (length !== undefined) response.setHeader("Content-Length", length);
          response.write("half", () => response.destroy());
        });
        const message = await head({ port, headers });
        expect(message.statusCode).to.equal(200);
        expect((await failureOf(whole(message))).code).to.equal("ECONNRESET");
        expect(message.complete).to.equal(false);
        expect(message.trailers).to.deep.equal({});
      }
    }
    expect(rig.log.join()).not.to.contain('"level":"error"');
  });

  it("responds with 502 to an upstream that does not speak HTTP or switches protocols unasked", async () => {
    let open = 0;
    for (const said of [
      "SSH-2.0-x\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    ]) {
      const url = await rig.rawUpstream((socket) => {
        open++;
        socket.on("close", () => open--);
        socket.once("data", () => socket.write(said));
      });
      const { port } = (await rig.gateway(url)).address;
      const answer = await ask({ port, headers: WITH_NONCE });
      expect(answer.status, said).to.equal(502);
      expect(fault(answer.headers["service-receipt"], {}, answer)).to.equal(undefined);
      expect(await settled(() => open), said).to.equal(0);
    }
  });

  it("asks again, once and on a new connection, when a kept one turns out to be closed", async () => {
    const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let connections = 0;
    // Each connection answers one request and closes upon the second.
    const answerOnce = (socket: Socket) => {
      connections++;
      socket.once("data", () => {
        socket.write(ok);
        socket.once("data", () => socket.destroy());
      });
    };
    const { port } = (await rig.gateway(await rig.rawUpstream(answerOnce))).address;
    const agent = new Agent({ keepAlive: true });
    await ask({ port, agent });
    const again = await ask({ port, agent, headers: WITH_NONCE });
    expect(again.status).to.equal(200);
    expect(fault(again.headers["service-receipt"], {}, again)).to.equal(undefined);
    expect(connections).to.equal(2);
    agent.destroy();
  });

  it("sends what may have an effect once, and over no connection that could be stale", async () => {
    const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    const heard: string[] = [];
    // Each connection answers one request and is closed upon the second, which it has heard all the same.
    const answerOnce = (socket: Socket) => {
      let asked = 0;
      socket.on("data", (data) => {
        heard.push(data.toString().split(" ")[0] ?? "");
        if (asked++ === 0) socket.write(ok);
        else socket.destroy();
      });
    };
    const { port } = (await rig.gateway(await rig.rawUpstream(answerOnce))).address;
    const body = Buffer.from('{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber"}');
    await ask({ port });
    for (let i = 0; i < 3; i++) {
      const post = await ask({ port, method: "POST", headers: WITH_NONCE, body });
      expect(post.status).to.equal(200);
      const asked = { method: "POST", body };
      expect(fault(post.headers["service-receipt"], asked, post)).to.equal(undefined);
    }
    const empty = await ask({ port, method: "DELETE" });
    expect(empty.status).to.equal(200);
    expect(heard.filter((method) => method !== "GET")).to.deep.equal([
      ...["POST", "POST", "POST"],
      "DELETE",
    ]);
  });

  it("fails a call whose own connection breaks, and does not repeat it", async () => {
    let heard = 0;
    const hangUp = (socket: Socket) => {
      socket.once("data", () => {
        heard += 1;
        socket.destroy();
      });
    };
    const { port } = (await rig.gateway(await rig.rawUpstream(hangUp))).address;
    const post = await ask({ port, method: "POST", headers: WITH_NONCE, body: Buffer.from("pay") });
    expect(post.status).to.equal(502);
    expect(heard).to.equal(1);
  });

  it("serves on after any of this", async () => {
    let broken = true;
    const port = await rig.serve((request, response) => {
      if (broken) return void request.socket.destroy();
      response.setHeader("Content-Length", 2).end("ok");
    });
    expect((await ask({ port, headers: WITH_NONCE })).status).to.equal(502);
    broken = false;
    const answer = await ask({ port, headers: WITH_NONCE });
    expect(fault(answer.headers["service-receipt"], {}, answer)).to.equal(undefined);
  });
});
