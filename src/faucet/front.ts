import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getAddress, isAddress } from "viem";
import * as z from "zod";
import type { Cidr } from "../net/cidr.ts";
import { Connections } from "../net/connections.ts";
import { peerOf } from "../net/peer.ts";
import { PeerBounds } from "../net/peerBounds.ts";
import { TrustedProxies } from "../net/proxies.ts";
import { createHttpServer, type HttpRequest, type HttpResponse } from "../node/http/httpServer.ts";
import type { Startable } from "../node/lifecycle.ts";
import { listen, unlisten } from "../node/listen.ts";
import type { Logger } from "../node/logger.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import type { Faucet } from "./faucet.ts";
import { FaucetProblem } from "./problem.ts";

const MAX_HEADER_BYTES = 8 * 1024;
const MAX_BODY_BYTES = 1024;
/** Time limits for receiving a head, and a whole request, milliseconds. */
const HEADERS_MS = 5_000;
const REQUEST_MS = 10_000;

const askSchema = z.strictObject({
  address: z.string().refine((text) => isAddress(text, { strict: true }), "Give an address."),
});

export interface FaucetFrontOptions {
  /** Port 0 chooses a free port: see `address`. */
  listen: { host: string; port: number };
  /** Proxies in front: the clients that they name count. */
  trustedProxies: readonly Cidr[];
  /** Connections in total, and of one client; 0 for no limit. */
  maxConnections: number;
  maxConnectionsPerPeer: number;
  keepAliveMs: number;
}

/** Serves a faucet over HTTP (docs/operations.md). */
export class FaucetFront implements Startable {
  readonly #options: FaucetFrontOptions;
  readonly #chainId: number;
  readonly #faucet: Faucet;
  readonly #log: Logger;
  readonly #proxies: TrustedProxies;
  readonly #server: Server;

  constructor(
    options: FaucetFrontOptions & { chainId: number },
    { faucet, log }: { faucet: Faucet; log: Logger },
  ) {
    this.#options = options;
    this.#chainId = options.chainId;
    this.#faucet = faucet;
    this.#log = log;
    this.#proxies = new TrustedProxies(options.trustedProxies);
    const connections = new Connections({
      bounds: new PeerBounds({ total: 0, perPeer: options.maxConnectionsPerPeer }),
      total: options.maxConnections,
      isProxy: (address) => this.#proxies.trusts(address),
      refused: () => undefined,
    });
    this.#server = createHttpServer(
      {
        headersMs: HEADERS_MS,
        requestMs: REQUEST_MS,
        keepAliveMs: options.keepAliveMs,
        maxHeaderBytes: MAX_HEADER_BYTES,
      },
      {
        handle: (request) => this.#handle(request),
        refuse: (reason) =>
          new FaucetProblem(reason === "coding" ? "TRANSFER_CODING_REFUSED" : "REQUEST_INVALID")
            .response,
        failed: (error) => this.#failed(error),
        began: (socket) => {
          connections.begin(socket);
        },
        ended: (socket) => {
          connections.end(socket);
        },
      },
    );
    this.#server.on("connection", (socket) => {
      connections.opened(socket);
    });
  }

  /** Where it listens; known once it has started. */
  get address(): AddressInfo {
    return this.#server.address() as AddressInfo;
  }

  /** @throws BlockcloudError `HTTP_LISTEN` if the address cannot be bound. */
  async start(): Promise<void> {
    const { host, port } = this.#options.listen;
    const refuse = (cause: unknown) =>
      new BlockcloudError("HTTP_LISTEN", `Cannot answer HTTP on ${host}:${port}.`, {
        cause,
        remedy: "Choose a free port and an address of the host.",
      });
    await listen(this.#server, { host, port }, refuse);
    this.#server.on("error", (error) => {
      this.#log.error("HTTP cannot be answered", { error });
    });
    const { address, port: bound } = this.address;
    this.#log.info("faucet listens", { address, port: bound, from: this.#faucet.address });
  }

  async stop(): Promise<void> {
    await unlisten(this.#server);
  }

  async #handle(request: HttpRequest): Promise<HttpResponse> {
    const { method, path } = request;
    const isRead = method === "GET" || method === "HEAD";
    if (path === "/v1/faucet") {
      if (isRead) return json(this.#describe());
      throw new FaucetProblem("METHOD_REFUSED", { allow: "GET, HEAD" });
    }
    if (path === "/v1/gifts") {
      if (method === "POST") return json(await this.#give(request));
      throw new FaucetProblem("METHOD_REFUSED", { allow: "POST" });
    }
    throw new FaucetProblem("PATH_UNKNOWN");
  }

  #describe(): object {
    const { address, limits, left } = this.#faucet;
    const { gift, daily, waitMs, giftsPerPeer } = limits;
    const waitSeconds = waitMs / 1000;
    return { chainId: this.#chainId, from: address, gift, daily, left, waitSeconds, giftsPerPeer };
  }

  async #give(request: HttpRequest): Promise<object> {
    const body = await request.body(MAX_BODY_BYTES);
    if (body === undefined) throw new FaucetProblem("BODY_TOO_LARGE");
    const { success, data } = askSchema.safeParse(parsed(body));
    if (!success) {
      const detail = 'Give {"address":"0x..."}, with a valid checksum or in lower case.';
      throw new FaucetProblem("REQUEST_INVALID", { detail });
    }
    const peer = peerOf(this.#proxies.clientOf(request).address);
    return await this.#faucet.give(getAddress(data.address), peer);
  }

  #failed(error: unknown): HttpResponse {
    if (error instanceof FaucetProblem) return error.response;
    this.#log.error("a request failed", { error });
    return new FaucetProblem("FAUCET_FAILED", { cause: error }).response;
  }
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString()) as unknown;
  } catch (cause) {
    throw new FaucetProblem("REQUEST_INVALID", { detail: "The body is not JSON.", cause });
  }
}

/** Amounts are decimal strings in wei. */
function json(value: object): HttpResponse {
  const headers = { "content-type": "application/json", "cache-control": "no-store" };
  const text = (_: string, each: unknown) => (typeof each === "bigint" ? each.toString() : each);
  return { status: 200, headers, body: JSON.stringify(value, text) };
}
