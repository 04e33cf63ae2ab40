import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Hex } from "viem";
import { Connections } from "../../net/connections.ts";
import { peerOf } from "../../net/peer.ts";
import { PeerBounds } from "../../net/peerBounds.ts";
import {
  createHttpServer,
  type HttpRequest,
  type HttpResponse,
} from "../../node/http/httpServer.ts";
import type { Startable } from "../../node/lifecycle.ts";
import { listen, unlisten, type ListenAddress } from "../../node/listen.ts";
import type { Logger } from "../../node/logger.ts";
import { RateLimit } from "../../node/rateLimit.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { MAX_RECORD_BYTES } from "../../protocol/record.ts";
import type { Instances } from "./instances.ts";
import { ReplicaProblem } from "./problem.ts";

/** Where instances hand in their leases. */
export const LEASES_PATH = "/v1/leases";
/** A lease in hexadecimal digits. */
const MAX_BODY_BYTES = 2 + 2 * MAX_RECORD_BYTES;
const HEADERS = { "content-type": "text/plain", "cache-control": "no-store" };
const SERVER = { headersMs: 5_000, requestMs: 10_000, keepAliveMs: 5_000, maxHeaderBytes: 4_096 };
const CONNECTIONS = { total: 128, perPeer: 32 };
/** Leases of one peer: an instance sends one each 5 s, and some in a row while it moves. */
const RATE = { perSecond: 20, burst: 100, maxPeers: 1_000 };

/**
 * Takes leases of the service's other instances, and answers each with the record that is published. Both are signed by
 * the service's key, and neither is secret: so the channel between them need not be.
 */
export class LeaseFront implements Startable {
  readonly #listen: ListenAddress;
  readonly #instances: Instances;
  readonly #record: () => Hex | undefined;
  readonly #log: Logger;
  readonly #rate: RateLimit;
  readonly #server: Server;

  /** @param dependencies.record The record that was published last. */
  constructor(
    address: ListenAddress,
    dependencies: {
      instances: Instances;
      record: () => Hex | undefined;
      monotonic: () => number;
      log: Logger;
    },
  ) {
    this.#listen = address;
    this.#instances = dependencies.instances;
    this.#record = dependencies.record;
    this.#log = dependencies.log;
    this.#rate = new RateLimit(RATE, dependencies.monotonic);
    const connections = new Connections({
      bounds: new PeerBounds({ total: 0, perPeer: CONNECTIONS.perPeer }),
      total: CONNECTIONS.total,
      isProxy: () => false,
      refused: () => undefined,
    });
    this.#server = createHttpServer(SERVER, {
      handle: (request) => this.#handle(request),
      refuse: () => new ReplicaProblem("INSTANCE_REQUEST_INVALID").response,
      failed: (error) => this.#failed(error),
      began: (socket) => {
        connections.begin(socket);
      },
      ended: (socket) => {
        connections.end(socket);
      },
    });
    this.#server.on("connection", (socket) => {
      connections.opened(socket);
    });
  }

  /** Where it listens; known once it has started. */
  get address(): AddressInfo {
    return this.#server.address() as AddressInfo;
  }

  /** @throws BlockcloudError `REPLICAS_LISTEN` if the address cannot be bound. */
  async start(): Promise<void> {
    const { host, port } = this.#listen;
    const refuse = (cause: unknown) =>
      new BlockcloudError("REPLICAS_LISTEN", `Cannot take leases at ${host}:${port}.`, {
        cause,
        remedy: "Give --replicas-listen a free port and an address of the host.",
      });
    await listen(this.#server, { host, port }, refuse);
    this.#server.on("error", (error) => {
      this.#log.error("leases cannot be taken", { error });
    });
    const { address, port: bound } = this.address;
    this.#log.info("other instances may join", { address, port: bound });
  }

  async stop(): Promise<void> {
    await unlisten(this.#server);
  }

  async #handle(request: HttpRequest): Promise<HttpResponse> {
    if (request.method !== "POST" || request.path !== LEASES_PATH) {
      throw new ReplicaProblem("INSTANCE_REQUEST_INVALID");
    }
    if (this.#rate.take(peerOf(request.socket.remoteAddress ?? "")) > 0) {
      throw new ReplicaProblem("INSTANCES_BUSY");
    }
    const body = await request.body(MAX_BODY_BYTES);
    const text = body?.toString("latin1") ?? "";
    if (!/^0x([0-9a-f]{2})+$/.test(text)) throw new ReplicaProblem("INSTANCE_LEASE_MALFORMED");
    this.#instances.take(text as Hex);
    return { status: 200, headers: HEADERS, body: this.#record() ?? "" };
  }

  #failed(error: unknown): HttpResponse {
    if (!(error instanceof ReplicaProblem)) {
      this.#log.error("a lease could not be taken", { error });
      return { status: 500, headers: HEADERS, body: "" };
    }
    this.#log.debug("a lease was refused", { code: error.code });
    return error.response;
  }
}
