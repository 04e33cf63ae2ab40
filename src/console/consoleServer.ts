import type { AddressInfo } from "node:net";
import type { Client } from "../client/client.ts";
import { peerOf } from "../net/peer.ts";
import type { RefusalObserver } from "../net/publicHttpMetrics.ts";
import { PublicHttpServer, type PublicHttpLimits } from "../net/publicHttpServer.ts";
import type { HttpRequest } from "../node/http/httpServer.ts";
import type { HttpResponse } from "../node/http/response.ts";
import type { Startable } from "../node/lifecycle.ts";
import type { ListenAddress } from "../node/listen.ts";
import type { Logger } from "../node/logger.ts";
import { RateLimit } from "../node/rateLimit.ts";
import type { Timers } from "../node/timers.ts";
import { AnswerRoom } from "./answerRoom.ts";
import { HEADERS } from "./headers.ts";
import { passQuery, passStatus } from "./indexPath.ts";
import type { PageFile } from "./pageFiles.ts";
import type { PathLog } from "./pathLog.ts";
import { ConsoleProblem, json } from "./problem.ts";
import { passRpc, readRpc } from "./rpcPath.ts";
import { checkHost, checkOrigin } from "./sameOrigin.ts";
import { callService, pathsOf, resolveService, watchService } from "./servicePaths.ts";
import type { Fetch } from "./upstream.ts";

const LIMITS = { maxHeaderBytes: 16 * 1024, headersMs: 5_000, requestMs: 30_000 };
/** Calls of the chain, and other requests that reach further, a second of one address. */
const CALLS = { perSecond: 2_000, burst: 20_000, maxPeers: 10_000 };
const REQUESTS = { perSecond: 20, burst: 100, maxPeers: 10_000 };
/** Requests under way that reach further. */
const MAX_OPEN = 256;
/** Bytes of answers of RPC and index that are being received. */
const ANSWERS = { total: 256 * 1024 * 1024, perPeer: 64 * 1024 * 1024 };

export interface ConsoleOptions extends PublicHttpLimits {
  /** Port 0 chooses a free port: see `address`. */
  listen: ListenAddress;
  /** Names under which the page is served, beside `localhost` and addresses. */
  names: readonly string[];
  /** The content of config.json. */
  config: object;
  files: ReadonlyMap<string, PageFile>;
  /** JSON-RPC endpoints, the preferred one first. */
  rpcUrls: readonly string[];
  /** Where the index's paths begin; undefined for none. */
  indexUrl: URL | undefined;
}

export interface ConsoleDependencies {
  /** Finds and calls services. */
  client: Client;
  /** The moves of that client's sessions. */
  paths: PathLog;
  timers: Timers;
  log: Logger;
  refusals?: RefusalObserver;
  fetch: Fetch;
}

/** Serves the page, and what it reads, from one origin (docs/console.md). */
export class ConsoleServer implements Startable {
  readonly #options: ConsoleOptions;
  readonly #names: ReadonlySet<string>;
  readonly #dependencies: ConsoleDependencies;
  readonly #calls: RateLimit;
  readonly #requests: RateLimit;
  readonly #answers = new AnswerRoom(ANSWERS);
  readonly #server: PublicHttpServer;
  #open = 0;

  constructor(options: ConsoleOptions, dependencies: ConsoleDependencies) {
    this.#options = options;
    this.#names = new Set(options.names.map((name) => name.toLowerCase()));
    this.#dependencies = dependencies;
    const monotonic = () => dependencies.timers.monotonic();
    this.#calls = new RateLimit(CALLS, monotonic);
    this.#requests = new RateLimit(REQUESTS, monotonic);
    this.#server = new PublicHttpServer(
      { ...options, ...LIMITS },
      {
        headers: HEADERS,
        handle: (request) => this.#handle(request),
        refuse: () => new ConsoleProblem("REQUEST_INVALID", "HTTP forbids this request.").response,
        failed: (error) => this.#failed(error),
        unread: () =>
          new ConsoleProblem("RESPONSES_UNREAD", "This client has not read earlier responses.")
            .response,
      },
      dependencies,
    );
  }

  /** Where it listens; known once it has started. */
  get address(): AddressInfo {
    return this.#server.address;
  }

  /** @throws BlockcloudError `HTTP_LISTEN` if the address cannot be bound. */
  async start(): Promise<void> {
    await this.#server.start();
    const { address, family, port } = this.address;
    const shown = family === "IPv6" ? `[${address}]` : address;
    this.#dependencies.log.info("console listens", { url: `http://${shown}:${port}` });
  }

  async stop(): Promise<void> {
    await this.#server.stop();
    await this.#dependencies.client.close();
  }

  #handle(request: HttpRequest): HttpResponse | Promise<HttpResponse> {
    checkHost(request, this.#names);
    const { path } = request;
    if (path === "/rpc") return this.#further(request, "POST", () => this.#rpc(request));
    if (path === "/index/graphql") {
      return this.#further(request, "POST", () => this.#index(request, passQuery));
    }
    if (path === "/index/v1/status") {
      return this.#further(request, "GET", () => this.#index(request, passStatus));
    }
    const { client, paths } = this.#dependencies;
    if (path.startsWith("/paths/")) {
      return this.#further(request, "GET", () => pathsOf(client, paths, request));
    }
    if (path.startsWith("/call/")) {
      return this.#further(request, undefined, () => callService(client, request));
    }
    if (path.startsWith("/resolver/v1/resolve/")) {
      return this.#further(request, "GET", () => resolveService(client, request));
    }
    if (path === "/resolver/v1/watch") {
      return this.#further(request, "GET", () => watchService(client, request));
    }
    return this.#file(request);
  }

  #file(request: HttpRequest): HttpResponse {
    const { method, path, headers } = request;
    if (method !== "GET" && method !== "HEAD") throw methodRefused("GET, HEAD");
    if (path === "/config.json") return json(this.#options.config);
    const file = this.#options.files.get(path);
    if (file === undefined) throw new ConsoleProblem("PATH_UNKNOWN", "There is no such file.");
    const { type, etag, isImmutable } = file;
    const common = {
      etag,
      vary: "accept-encoding",
      "cache-control": isImmutable ? "public, max-age=31536000, immutable" : "no-cache",
    };
    if (headers["if-none-match"] === etag) return { status: 304, headers: common };
    const accepted = headers["accept-encoding"] ?? "";
    const coded =
      file.brotli !== undefined && /\bbr\b/.test(accepted)
        ? { coding: "br", bytes: file.brotli }
        : file.gzip !== undefined && /\bgzip\b/.test(accepted)
          ? { coding: "gzip", bytes: file.gzip }
          : { coding: undefined, bytes: file.plain };
    return {
      status: 200,
      headers: {
        ...common,
        "content-type": type,
        ...(coded.coding !== undefined && { "content-encoding": coded.coding }),
      },
      body: coded.bytes,
    };
  }

  /** A request that reaches further than this process: of the page itself, and bounded in number. */
  async #further(
    request: HttpRequest,
    method: string | undefined,
    run: () => HttpResponse | Promise<HttpResponse>,
  ): Promise<HttpResponse> {
    checkOrigin(request);
    if (method !== undefined && request.method !== method) throw methodRefused(method);
    // Those of the chain count by their calls.
    if (request.path !== "/rpc") this.#take(this.#requests, request, 1);
    if (this.#open >= MAX_OPEN) throw new ConsoleProblem("CONSOLE_BUSY", "Too much is under way.");
    this.#open += 1;
    try {
      return await run();
    } finally {
      this.#open -= 1;
    }
  }

  async #rpc(request: HttpRequest): Promise<HttpResponse> {
    const asked = await readRpc(request);
    this.#take(this.#calls, request, asked.calls);
    const { rpcUrls } = this.#options;
    const { fetch } = this.#dependencies;
    return this.#answers.hold(this.#server.clientOf(request), (claim) =>
      passRpc(rpcUrls, asked, request.signal, fetch, claim),
    );
  }

  #index(request: HttpRequest, pass: typeof passStatus): Promise<HttpResponse> {
    const { indexUrl } = this.#options;
    if (indexUrl === undefined) {
      throw new ConsoleProblem("PATH_UNKNOWN", "This console has no index: give --index.");
    }
    const { fetch } = this.#dependencies;
    return this.#answers.hold(this.#server.clientOf(request), (claim) =>
      pass(indexUrl, request, fetch, claim),
    );
  }

  #take(rate: RateLimit, request: HttpRequest, cost: number): void {
    const wait = rate.take(peerOf(this.#server.clientOf(request)), cost);
    if (wait === 0) return;
    throw new ConsoleProblem("RATE_EXCEEDED", "Too many requests of this address.", {
      fields: { "retry-after": String(Math.ceil(Math.min(wait, 60_000) / 1000)) },
    });
  }

  #failed(error: unknown): HttpResponse {
    if (error instanceof ConsoleProblem) return error.response;
    this.#dependencies.log.error("a request failed", { error });
    return new ConsoleProblem("CONSOLE_FAILED", "The console failed: see its log.").response;
  }
}

function methodRefused(allow: string): ConsoleProblem {
  return new ConsoleProblem("METHOD_REFUSED", "This path has other methods.", {
    fields: { allow },
  });
}
