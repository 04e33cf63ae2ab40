import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createHttpServer, type HttpRequest } from "./http/httpServer.ts";
import type { HttpResponse } from "./http/response.ts";
import { listen, unlisten } from "./listen.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import type { Startable } from "./lifecycle.ts";
import type { Logger } from "./logger.ts";
import type { Metrics } from "./metrics.ts";

/** Enough for a scraper, a health probe and manual requests. */
const MAX_CONNECTIONS = 16;
/** Time limit for receiving a request, and for an idle connection, milliseconds. */
const PATIENCE_MS = 5_000;
/** Largest head of a request, bytes. */
const MAX_HEADER_BYTES = 16 * 1024;

export interface MetricsServerOptions {
  /** Port 0 chooses a free port: see `address`. There is no access control: keep it on loopback. */
  listen: { host: string; port: number };
}

/**
 * Serves `GET /metrics` for Prometheus and `GET /healthz`: 200 if every check passes, else 503, with each
 * check's name, `ok` and `reason` as JSON. It accepts no input, and shows no keys and no URLs.
 */
export class MetricsServer implements Startable {
  readonly #listen: MetricsServerOptions["listen"];
  readonly #log: Logger;
  readonly #metrics: Pick<Metrics, "expose" | "health">;
  readonly #server: Server;

  constructor(
    options: MetricsServerOptions,
    dependencies: { metrics: Pick<Metrics, "expose" | "health">; log: Logger },
  ) {
    this.#listen = options.listen;
    this.#log = dependencies.log;
    this.#metrics = dependencies.metrics;
    this.#server = createHttpServer(
      {
        maxHeaderBytes: MAX_HEADER_BYTES,
        headersMs: PATIENCE_MS,
        requestMs: PATIENCE_MS,
        keepAliveMs: PATIENCE_MS,
      },
      {
        handle: (request) => this.#answer(request),
        refuse: (reason) =>
          reason === "coding"
            ? text(501, "only chunked bodies are read")
            : text(400, "bad request"),
        failed: (error) => {
          this.#log.error("metrics cannot be served", { error });
          return text(500, "metrics cannot be served");
        },
      },
    );
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** Where it listens; known once it has started. */
  get address(): AddressInfo {
    return this.#server.address() as AddressInfo;
  }

  /** @throws BlockcloudError `METRICS_LISTEN` if the address cannot be bound. */
  async start(): Promise<void> {
    const { host, port } = this.#listen;
    const refuse = (cause: unknown) =>
      new BlockcloudError("METRICS_LISTEN", `Cannot serve metrics on ${host}:${port}.`, {
        cause,
        remedy: "Choose a free port and an address of the host.",
      });
    await listen(this.#server, { host, port }, refuse);
    this.#server.on("error", (error) => {
      this.#log.error("metrics cannot be served", { error });
    });
    const { address, port: bound } = this.address;
    this.#log.info("metrics are served", { address, port: bound });
  }

  async stop(): Promise<void> {
    await unlisten(this.#server);
  }

  async #answer({ method, path }: HttpRequest): Promise<HttpResponse> {
    if (path !== "/metrics" && path !== "/healthz") return text(404, "not found");
    if (method !== "GET" && method !== "HEAD") {
      const refused = text(405, "method not allowed");
      return { ...refused, headers: { ...refused.headers, allow: "GET, HEAD" } };
    }
    if (path === "/metrics") {
      const { text: body, contentType } = await this.#metrics.expose();
      return { status: 200, headers: { "content-type": contentType }, body };
    }
    return healthResponse(this.#metrics);
  }
}

/** The state of a worker's checks: 200 if every one passes, else 503. */
export function healthResponse({ health }: Pick<Metrics, "health">): HttpResponse {
  const report = health.report();
  return {
    status: report.ok ? 200 : 503,
    headers: { "content-type": "application/json", "cache-control": "no-store" },
    body: JSON.stringify(report),
  };
}

function text(status: number, message: string): HttpResponse {
  return { status, headers: { "content-type": "text/plain" }, body: `${message}\n` };
}
