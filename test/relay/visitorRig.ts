import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { expect } from "chai";
import type { RelayWorkerLimits } from "../../src/relay/limits.ts";
import { serverNameOf } from "../../src/sal/transport/serverName.ts";
import { ALPN } from "../../src/sal/transport/tlsTransport.ts";
import { collect, ECHO, SERVICE } from "../sal/rig/salRig.ts";
import { RawProvider } from "./rawProvider.ts";
import { BehindRelays, createClient, RelayRig } from "./rig.ts";

/** How TLS names the alerts of a relay. */
export const UNKNOWN = "ERR_SSL_TLSV1_UNRECOGNIZED_NAME";
export const SILENT = "ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR";
export const QUOTA = "ERR_SSL_TLSV1_ALERT_ACCESS_DENIED";
export const PROTOCOL = "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL";

/** The ClientHello of a client of the SAL. */
export async function clientHello(): Promise<Buffer> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const client = connectTls({
    ...{ host: "127.0.0.1", port, rejectUnauthorized: false, ALPNProtocols: [ALPN] },
    servername: serverNameOf(SERVICE),
  });
  client.on("error", () => {});
  const [socket] = (await once(server, "connection")) as [Socket];
  const [hello] = (await once(socket, "data")) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return hello;
}

/** All that a socket gives until it is closed. */
export async function rest(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
  });
  await once(socket, "close");
  return Buffer.concat(chunks);
}

/** A relay, its providers and its visitors; all of them end with it. */
export class VisitorRig extends RelayRig {
  readonly #ending: (() => void)[] = [];

  static async start(limits: RelayWorkerLimits = { maxHandshakesPerPeer: 8 }): Promise<VisitorRig> {
    const rig = new VisitorRig(limits);
    await rig.relay.start();
    return rig;
  }

  async stop(): Promise<void> {
    for (const end of this.#ending.splice(0)) end();
    await this.relay.stop();
  }

  atEnd(end: () => void): void {
    this.#ending.push(end);
  }

  /** A provider behind the relay that has not started. */
  provider(options?: ConstructorParameters<typeof BehindRelays>[1]): BehindRelays {
    const provider = new BehindRelays([this.address], options);
    this.atEnd(() => {
      provider.stop();
    });
    return provider;
  }

  async behind(options?: ConstructorParameters<typeof BehindRelays>[1]): Promise<BehindRelays> {
    const provider = this.provider(options);
    await provider.start();
    return provider;
  }

  /** A provider with a reservation that does only what the test does. */
  async raw(over: Parameters<RawProvider["reserve"]>[0] = {}): Promise<RawProvider> {
    const provider = await RawProvider.dial(this.address);
    this.atEnd(() => {
      provider.close();
    });
    expect(await provider.reserve(over)).to.equal("reserved");
    return provider;
  }

  /** A client that finds the service at some endpoints. */
  client(endpoints: readonly string[]): ReturnType<typeof createClient>["client"] {
    const { client, locator } = createClient();
    this.atEnd(() => {
      client.close();
    });
    locator.publish({ endpoints });
    return client;
  }

  /** A flow that says hello and gets it back. */
  async greets(endpoints: readonly string[]): Promise<void> {
    const flow = await this.client(endpoints).connect("weather", ECHO);
    const got = collect(flow);
    flow.end("hello");
    expect((await got).toString()).to.equal("hello");
  }
}
