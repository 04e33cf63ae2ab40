import { expect } from "chai";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { Agent, type IncomingMessage, type ServerResponse } from "node:http";
import { promisify } from "node:util";
import { Gateway } from "../../../src/provider/gateway/gateway.ts";
import type { GatewayOptions } from "../../../src/provider/gateway/options.ts";
import { ask, failureOf, head, open, whole } from "../../support/httpClient.ts";
import { fault, KEY, ProviderRig, SERVICE, WITH_NONCE } from "../../support/providerRig.ts";
import { settled } from "../../support/settled.ts";
import { PATIENCE_MS } from "../../support/until.ts";

describe("Gateway: start and stop", () => {
  const rig = new ProviderRig();
  afterEach(() => rig.close());

  /** A gateway whose upstream hands each response to the test. */
  async function held(options: Partial<GatewayOptions> = {}) {
    const waiting: ServerResponse[] = [];
    let arrived = () => {};
    const { url, server } = await rig.upstream((_request, response) => {
      waiting.push(response);
      arrived();
    });
    server.on("upgrade", (_request, socket) => {
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
      );
    });
    const gateway = await rig.gateway(url, { drainMs: 30_000, ...options });
    const next = () => new Promise<void>((resolve) => (arrived = resolve));
    return { gateway, port: gateway.address.port, waiting, next };
  }

  it("knows its address once it listens", async () => {
    const { gateway, port } = await held();
    expect(gateway.address).to.include({ address: "127.0.0.1" });
    expect(port).to.be.above(0);
    await gateway.stop();
    expect(() => gateway.address)
      .to.throw()
      .with.property("code", "GATEWAY_NOT_LISTENING");
  });

  it("stops accepting, lets running answers finish, then ends", async () => {
    const { gateway, port, waiting, next } = await held();
    const agent = new Agent({ keepAlive: true });
    let arrived = next();
    const unbegun = ask({ port, agent, headers: WITH_NONCE });
    await arrived;
    arrived = next();
    const begun = head({ port, agent, headers: WITH_NONCE });
    await arrived;
    waiting[1]?.write("half ");
    const streaming = await begun;

    let stopped = false;
    const stopping = gateway.stop().then(() => (stopped = true));
    expect((await failureOf(ask({ port }))).code).to.equal("ECONNREFUSED");
    waiting[0]?.setHeader("Content-Length", 5).end("whole");
    const answer = await unbegun;
    expect(fault(answer.headers["service-receipt"], {}, answer)).to.equal(undefined);
    expect(answer.headers.connection).to.equal("close");
    expect(stopped).to.equal(false);
    waiting[1]?.end("half");
    const rest = await whole(streaming);
    expect(rest.body.toString()).to.equal("half half");
    expect(fault(rest.trailers["service-receipt"], {}, rest)).to.equal(undefined);
    await stopping;
    agent.destroy();
  });

  it("waits until a slow client has read the whole response", async () => {
    const { gateway, port, waiting, next } = await held({ maxBufferedBytes: 64 * 1024 * 1024 });
    const arrived = next();
    const asking = open({ port, headers: WITH_NONCE });
    asking.end();
    await arrived;
    const body = Buffer.alloc(32 * 1024 * 1024, 7);
    waiting[0]?.setHeader("Content-Length", body.length).end(body);
    const [message] = (await once(asking, "response")) as [IncomingMessage];
    const stopping = gateway.stop();
    const answer = await whole(message);
    expect(answer.body.equals(body)).to.equal(true);
    expect(fault(answer.headers["service-receipt"], {}, answer)).to.equal(undefined);
    await stopping;
  });

  it("closes idle connections at once", async () => {
    const { gateway, port, waiting, next } = await held();
    const agent = new Agent({ keepAlive: true });
    const arrived = next();
    const asking = head({ port, agent });
    await arrived;
    waiting[0]?.end();
    const message = await asking;
    const closed = once(message.socket, "close");
    await whole(message);
    await gateway.stop();
    await closed;
    agent.destroy();
  });

  it("cuts off responses that have not ended at the deadline", async () => {
    const { gateway, port, waiting, next } = await held({ drainMs: 20 });
    const arrived = next();
    const asking = head({ port, headers: WITH_NONCE });
    await arrived;
    waiting[0]?.writeHead(200, { "Content-Type": "text/event-stream" }).write("data: 1\n\n");
    const message = await asking;
    const upgrading = open({ port, headers: { Connection: "Upgrade", Upgrade: "websocket" } });
    upgrading.end();
    const [, tunnel] = await once(upgrading, "upgrade");
    const tunnelClosed = once(
      tunnel.resume().on("error", () => {}),
      "close",
    );
    await gateway.stop();
    expect((await failureOf(whole(message))).code).to.equal("ECONNRESET");
    expect(message.trailers).to.deep.equal({});
    await tunnelClosed;
  });

  it("stops once, for any number of callers, started or not", async () => {
    const { gateway } = await held();
    await Promise.all([gateway.stop(), gateway.stop()]);
    await gateway.stop();
    expect((await failureOf(gateway.start())).code).to.equal("GATEWAY_STARTED");
    const { url } = await rig.upstream(() => {});
    await build({ upstream: url }).stop();
  });

  it("closes its connections to the upstream", async () => {
    const { url, server } = await rig.upstream((_request, response) => response.end("ok"));
    let connections = 0;
    server.on("connection", (socket) => {
      connections++;
      socket.on("close", () => connections--);
    });
    const gateway = await rig.gateway(url);
    await ask({ port: gateway.address.port });
    expect(await settled(() => connections)).to.equal(1);
    await gateway.stop();
    expect(await settled(() => connections)).to.equal(0);
  });

  it("leaves nothing behind that would keep a process alive", async () => {
    const rigUrl = new URL("../../support/providerRig.ts", import.meta.url).href;
    const clientUrl = new URL("../../support/httpClient.ts", import.meta.url).href;
    const script = `
      const { ProviderRig, WITH_NONCE } = await import(${JSON.stringify(rigUrl)});
      const { ask } = await import(${JSON.stringify(clientUrl)});
      const rig = new ProviderRig();
      const HOUR = 3_600_000;
      const { url, server } = await rig.upstream((request, response) => response.end("ok"));
      const limits = { headersTimeoutMs: HOUR, requestTimeoutMs: HOUR, clientTimeoutMs: HOUR };
      const gateway = await rig.gateway(url, { ...limits, upstreamTimeoutMs: HOUR, drainMs: HOUR });
      const { port } = gateway.address;
      await ask({ port, headers: WITH_NONCE });
      await ask({ port, method: "POST", body: Buffer.from("x") });
      await gateway.stop();
      server.close();
      console.log("stopped");
    `;
    // A time limit that still runs would keep the process for an hour.
    const args = ["--input-type=module", "--eval", script];
    const options = { timeout: PATIENCE_MS };
    const { stdout } = await promisify(execFile)(process.execPath, args, options);
    expect(stdout).to.equal("stopped\n");
  });

  it("refuses invalid options before it listens", async () => {
    for (const wrong of [
      { upstream: new URL("ftp://127.0.0.1:1") },
      { upstream: new URL("unix:app.sock") },
      { upstream: new URL("unix:/run/app.sock?query") },
      { upstream: new URL("http://127.0.0.1:1/base") },
      { upstream: new URL("http://user:secret@127.0.0.1:1") },
      { key: new Uint8Array(32) },
      { key: KEY.subarray(1) },
      { receiptBurst: Number.NaN },
      { upstreamTimeoutMs: -1 },
      // A timer of Node's would end at once.
      { upstreamTimeoutMs: 2 ** 31 },
      { drainMs: 30 * 86_400_000 },
      // Each connection would end the process.
      { upstreamTimeoutMs: Infinity },
      { headersTimeoutMs: 2, requestTimeoutMs: 1 },
    ]) {
      const error = await failureOf(Promise.resolve().then(() => build(wrong)));
      expect(error.code).to.equal("GATEWAY_OPTIONS");
      expect(error.message).not.to.contain("secret");
    }
  });

  it("says that a port is taken", async () => {
    const { port } = await held();
    const second = build({ listen: { host: "127.0.0.1", port } });
    expect((await failureOf(second.start())).code).to.equal("GATEWAY_LISTEN");
    await second.stop();
  });

  function build(options: Partial<GatewayOptions>): Gateway {
    const { serviceId, domain } = SERVICE;
    const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };
    return new Gateway(
      {
        serviceId,
        domain,
        key: KEY,
        upstream: new URL("http://127.0.0.1:1"),
        listen: { host: "127.0.0.1", port: 0 },
        ...options,
      },
      { logger: silent, now: () => 0, monotonic: () => 0 },
    );
  }
});
