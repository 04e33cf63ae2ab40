import { once } from "node:events";
import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import { createServer as createTcpServer, type AddressInfo, type Socket } from "node:net";
import type { Hex } from "viem";
import type { Logger } from "../../src/node/logger.ts";
import { hexToBytes } from "../../src/protocol/bytes.ts";
import { EMPTY_DIGEST, sha256 } from "../../src/protocol/receipt.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { blockcloudDomain } from "../../src/protocol/typedData.ts";
import { Gateway, type GatewayDependencies } from "../../src/provider/gateway/gateway.ts";
import type { GatewayOptions } from "../../src/provider/gateway/options.ts";
import type { GatewayObserver } from "../../src/provider/metrics.ts";
import type { Answer } from "./httpClient.ts";
import { receiptFault } from "./receiptCheck.ts";

export const KEY_HEX: Hex = `0x${"4b".repeat(32)}`;
export const KEY = hexToBytes(KEY_HEX);
export const NONCE: Hex = `0x${"a1".repeat(32)}`;
export const WITH_NONCE = { "Service-Nonce": NONCE };
/** The chain's time in these tests; the receipt has whole milliseconds. */
export const CHAIN_TIME = 1_700_000_000_123.75;

export const SERVICE = {
  domain: blockcloudDomain(31337n, "0x5FbDB2315678afecb367f032d93F642f64180aa3"),
  serviceId: `0x${"00".repeat(7)}07${"00".repeat(24)}` as Hex,
  signer: addressOfKey(KEY),
};

export interface Asked {
  method?: string;
  path?: string;
  body?: Uint8Array;
}

/** Why the receipt of an answer does not prove it; undefined when it does. */
export function fault(receipt: unknown, asked: Asked, answer: Pick<Answer, "status" | "body">) {
  if (typeof receipt !== "string") return "no receipt";
  const exchange = {
    method: asked.method ?? "GET",
    target: asked.path ?? "/",
    requestDigest: asked.body ? sha256(asked.body) : EMPTY_DIGEST,
    status: answer.status,
    responseDigest: sha256(answer.body),
  };
  return receiptFault(receipt, NONCE, exchange, SERVICE);
}

/** Upstreams and gateways of one test, on loopback, and what they logged. */
export class ProviderRig {
  /** Everything logged, one JSON line each. */
  readonly log: string[] = [];
  /** The rate limiter's clock. */
  monotonic = 0;
  now: () => number = () => CHAIN_TIME;
  /** Told of the exchanges of gateways that start from now on. */
  observer: GatewayObserver | undefined;
  readonly #cleanups: (() => Promise<void>)[] = [];

  /** Starts a provider's own server. */
  async upstream(listener: RequestListener): Promise<{ url: URL; server: Server }> {
    const server = createHttpServer(listener);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    // Connections that were upgraded are no longer the server's to close.
    const sockets = new Set<Socket>();
    server.on("connection", (socket: Socket) => {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.once("close", () => sockets.delete(socket));
    });
    this.#cleanups.push(async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    return { url: urlOf(server.address()), server };
  }

  /** Starts a server that speaks, or breaks, HTTP by hand. */
  async rawUpstream(onConnection: (socket: Socket) => void): Promise<URL> {
    const sockets = new Set<Socket>();
    const server = createTcpServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => {});
      onConnection(socket);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    this.#cleanups.push(async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    return urlOf(server.address());
  }

  /** Starts a gateway. */
  async gateway(
    upstream: URL,
    options: Partial<GatewayOptions> = {},
    over: Partial<GatewayDependencies> = {},
  ): Promise<Gateway> {
    const gateway = new Gateway(
      {
        serviceId: SERVICE.serviceId,
        domain: SERVICE.domain,
        key: KEY,
        upstream,
        listen: { host: "127.0.0.1", port: 0 },
        drainMs: 0,
        ...options,
      },
      {
        logger: this.#logger(),
        now: () => this.now(),
        monotonic: () => this.monotonic,
        observer: this.observer,
        ...over,
      },
    );
    await gateway.start();
    this.#cleanups.push(() => gateway.stop());
    return gateway;
  }

  /** A gateway before a new upstream; its port. */
  async serve(listener: RequestListener, options?: Partial<GatewayOptions>): Promise<number> {
    const { url } = await this.upstream(listener);
    return (await this.gateway(url, options)).address.port;
  }

  async close(): Promise<void> {
    for (const cleanup of this.#cleanups.splice(0).reverse()) await cleanup();
  }

  #logger(fields: object = {}): Logger {
    const write = (level: string) => (message: string, more?: object) => {
      this.log.push(JSON.stringify({ level, message, ...fields, ...more }));
    };
    return {
      debug: write("debug"),
      info: write("info"),
      warn: write("warn"),
      error: write("error"),
      child: (more) => this.#logger({ ...fields, ...more }),
    };
  }
}

function urlOf(address: AddressInfo | string | null): URL {
  return new URL(`http://127.0.0.1:${(address as AddressInfo).port}`);
}
