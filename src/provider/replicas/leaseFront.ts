import type { AddressInfo } from "node:net";
import type { Hex } from "viem";
import { peerOf } from "../../net/peer.ts";
import type { RefusalObserver } from "../../net/publicHttpMetrics.ts";
import { PublicHttpServer } from "../../net/publicHttpServer.ts";
import type { HttpRequest } from "../../node/http/httpServer.ts";
import type { HttpResponse } from "../../node/http/response.ts";
import type { Startable } from "../../node/lifecycle.ts";
import type { ListenAddress } from "../../node/listen.ts";
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
/** Other instances are few, and their answers short. */
const LIMITS = {
  ...{ headersMs: 5_000, requestMs: 10_000, keepAliveMs: 5_000, maxHeaderBytes: 4_096 },
  ...{ trustedProxies: [], maxConnections: 128, maxConnectionsPerPeer: 32 },
  ...{ maxUnread: 1024 * 1024, maxUnreadPerPeer: 256 * 1024 },
};
/** Leases of one peer: an instance sends one each 5 s, and some in a row while it moves. */
const RATE = { perSecond: 20, burst: 100, maxPeers: 1_000 };

/**
 * Takes leases of the service's other instances, and answers each with the record that is published. Both are signed by
 * the service's key, and neither is secret: so the channel between them need not be.
 */
export class LeaseFront implements Startable {
  readonly #instances: Instances;
  readonly #record: () => Hex | undefined;
  readonly #log: Logger;
  readonly #rate: RateLimit;
  readonly #server: PublicHttpServer;

  /** @param dependencies.record The record that was published last. */
  constructor(
    address: ListenAddress,
    dependencies: {
      instances: Instances;
      record: () => Hex | undefined;
      monotonic: () => number;
      log: Logger;
      refusals?: RefusalObserver;
    },
  ) {
    this.#instances = dependencies.instances;
    this.#record = dependencies.record;
    this.#log = dependencies.log;
    this.#rate = new RateLimit(RATE, dependencies.monotonic);
    this.#server = new PublicHttpServer(
      { ...LIMITS, listen: address },
      {
        handle: (request) => this.#handle(request),
        refuse: () => new ReplicaProblem("INSTANCE_REQUEST_INVALID").response,
        failed: (error) => this.#failed(error),
        unread: () => new ReplicaProblem("INSTANCES_BUSY").response,
        listenFault: (cause) =>
          new BlockcloudError(
            "REPLICAS_LISTEN",
            `Cannot take leases at ${address.host}:${address.port}.`,
            {
              cause,
              remedy: "Give --replicas-listen a free port and an address of the host.",
            },
          ),
      },
      dependencies,
    );
  }

  /** Where it listens; known once it has started. */
  get address(): AddressInfo {
    return this.#server.address;
  }

  /** @throws BlockcloudError `REPLICAS_LISTEN` if the address cannot be bound. */
  async start(): Promise<void> {
    await this.#server.start();
    const { address, port } = this.address;
    this.#log.info("other instances may join", { address, port });
  }

  stop(): Promise<void> {
    return this.#server.stop();
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
