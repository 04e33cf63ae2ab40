import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { listen } from "./listen.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import type { Startable } from "./lifecycle.ts";
import type { Logger } from "./logger.ts";
import type { Metrics } from "./metrics.ts";

/** Enough for a scraper, a health probe and manual requests. */
const MAX_CONNECTIONS = 16;
/** Time limit for receiving a request, and for an idle connection, milliseconds. */
const PATIENCE_MS = 5_000;

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
  readonly #server: Server;

  constructor(
    options: MetricsServerOptions,
    dependencies: { metrics: Pick<Metrics, "expose" | "health">; log: Logger },
  ) {
    this.#listen = options.listen;
    this.#log = dependencies.log;
    const { metrics, log } = dependencies;
    const app = new Hono();
    app.get("/metrics", async (context) => {
      const { text, contentType } = await metrics.expose();
      return context.body(text, 200, { "content-type": contentType });
    });
    app.get("/healthz", (context) => {
      const report = metrics.health.report();
      return context.json(report, report.ok ? 200 : 503, { "cache-control": "no-store" });
    });
    app.onError((error, context) => {
      log.error("metrics cannot be served", { error });
      return context.text("metrics cannot be served\n", 500);
    });
    this.#server = createAdaptorServer({
      fetch: app.fetch,
      // Without this, the library replaces the global Request and Response.
      overrideGlobalObjects: false,
      createServer,
      serverOptions: { headersTimeout: PATIENCE_MS, requestTimeout: PATIENCE_MS },
    }) as Server;
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.keepAliveTimeout = PATIENCE_MS;
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
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}
