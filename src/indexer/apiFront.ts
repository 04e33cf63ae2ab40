import type { AddressInfo } from "node:net";
import * as z from "zod";
import { PeerBounds } from "../net/peerBounds.ts";
import type { RefusalObserver } from "../net/publicHttpMetrics.ts";
import { PublicHttpServer, type PublicHttpLimits } from "../net/publicHttpServer.ts";
import type { HttpRequest } from "../node/http/httpServer.ts";
import type { HttpResponse } from "../node/http/response.ts";
import type { Startable } from "../node/lifecycle.ts";
import type { ListenAddress } from "../node/listen.ts";
import type { Logger } from "../node/logger.ts";
import type { IndexerMetrics } from "./metrics.ts";
import { IndexProblem } from "./problem.ts";
import { queryFault } from "./queryCost.ts";

const MAX_BODY_BYTES = 16 * 1024;
const LIMITS = { headersMs: 5_000, requestMs: 10_000, maxHeaderBytes: 16 * 1024 };
/** Time that Ponder gets for a query, milliseconds. */
const QUERY_MS = 10_000;
/** Largest answer that is passed on, bytes. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;
/** Queries that run at a time, in total and of one client: Ponder answers with the thread that indexes. */
const MAX_QUERIES = { total: 32, perPeer: 8 };

const querySchema = z.object({
  query: z.string(),
  variables: z.record(z.string(), z.unknown()).nullish(),
  operationName: z.string().max(128).nullish(),
});

export interface ApiFrontOptions extends PublicHttpLimits {
  /** Port 0 chooses a free port: see `address`. */
  listen: ListenAddress;
  /** Origins of web pages that may read it; `*` for all. Pages on loopback always may. */
  origins: readonly string[];
  /** Whether SQL is answered. */
  sql: boolean;
}

export interface ApiFrontDependencies {
  log: Logger;
  metrics: Pick<IndexerMetrics, "query">;
  refusals?: RefusalObserver;
  /** Where Ponder answers; undefined while it does not. */
  ponder: () => string | undefined;
  /** The state of the index. */
  status: () => Promise<object>;
  /** Makes an answer of Ponder's one about the chain: it knows the chain by another ID. */
  translate: (answer: string) => string;
}

/** Serves the index to consoles: queries within bounds, and how old the answers are. */
export class ApiFront implements Startable {
  readonly #options: ApiFrontOptions;
  readonly #dependencies: ApiFrontDependencies;
  readonly #running = new PeerBounds(MAX_QUERIES);
  readonly #server: PublicHttpServer;

  constructor(options: ApiFrontOptions, dependencies: ApiFrontDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
    this.#server = new PublicHttpServer(
      { ...options, ...LIMITS },
      {
        handle: (request) => this.#handle(request),
        refuse: (reason) =>
          new IndexProblem(reason === "coding" ? "TRANSFER_CODING_REFUSED" : "REQUEST_INVALID")
            .response,
        failed: (error) => this.#failed(error),
        unread: () => new IndexProblem("RESPONSES_UNREAD").response,
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
    const { address, port } = this.address;
    this.#dependencies.log.info("index listens", { address, port });
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }

  async #handle(request: HttpRequest): Promise<HttpResponse> {
    const { origin } = request.headers;
    const cross = this.#crossOrigin(origin);
    const response = await this.#answer(request).catch((error: unknown) => this.#failed(error));
    return { ...response, headers: { ...response.headers, ...cross } };
  }

  async #answer(request: HttpRequest): Promise<HttpResponse> {
    const { method, path } = request;
    const isRead = method === "GET" || method === "HEAD";
    if (method === "OPTIONS") return { status: 204, headers: {} };
    if (path === "/v1/status") {
      if (!isRead) throw new IndexProblem("METHOD_REFUSED", { allow: "GET, HEAD" });
      return json(JSON.stringify(await this.#dependencies.status()));
    }
    if (path === "/graphql") {
      if (method !== "POST") throw new IndexProblem("METHOD_REFUSED", { allow: "POST" });
      return await this.#bounded(request, () => this.#graphql(request));
    }
    if (this.#options.sql && path === "/sql/db") {
      if (method !== "GET") throw new IndexProblem("METHOD_REFUSED", { allow: "GET" });
      return await this.#bounded(request, () => this.#pass(request, `${path}?${request.query}`));
    }
    throw new IndexProblem("PATH_UNKNOWN");
  }

  /** Runs a query if its client has room for one more. */
  async #bounded(request: HttpRequest, run: () => Promise<HttpResponse>): Promise<HttpResponse> {
    const address = this.#server.clientOf(request);
    const { metrics } = this.#dependencies;
    if (this.#running.reached(address) !== undefined) {
      metrics.query("refused");
      throw new IndexProblem("QUERIES_EXCEEDED");
    }
    this.#running.add(address);
    try {
      const response = await run();
      metrics.query("answered");
      return response;
    } catch (error) {
      const isRefusal = error instanceof IndexProblem && error.response.status < 500;
      metrics.query(isRefusal ? "refused" : "failed");
      throw error;
    } finally {
      this.#running.remove(address);
    }
  }

  async #graphql(request: HttpRequest): Promise<HttpResponse> {
    const body = await request.body(MAX_BODY_BYTES);
    if (body === undefined) throw new IndexProblem("BODY_TOO_LARGE");
    const parsed = querySchema.safeParse(parse(body));
    if (!parsed.success) {
      throw new IndexProblem("REQUEST_INVALID", {
        detail: 'Give {"query":"...","variables":{...}}.',
      });
    }
    const { query, variables } = parsed.data;
    const fault = queryFault(query, variables ?? {});
    if (fault !== undefined) {
      throw new IndexProblem("QUERY_REFUSED", { detail: `The query is refused: ${fault}.` });
    }
    return await this.#pass(request, "/graphql", JSON.stringify(parsed.data));
  }

  /** Asks Ponder, and passes on what it says. */
  async #pass(request: HttpRequest, target: string, body?: string): Promise<HttpResponse> {
    const base = this.#dependencies.ponder();
    if (base === undefined) throw new IndexProblem("INDEX_AWAY");
    const timeout = AbortSignal.timeout(QUERY_MS);
    try {
      const response = await fetch(`${base}${target}`, {
        signal: AbortSignal.any([request.signal, timeout]),
        redirect: "error",
        ...(body !== undefined && {
          method: "POST",
          body,
          headers: { "content-type": "application/json", accept: "application/json" },
        }),
      });
      const text = await readBounded(response);
      if (response.ok) return json(this.#dependencies.translate(text));
      throw new IndexProblem("QUERY_REFUSED", { detail: text.slice(0, 500) });
    } catch (error) {
      if (error instanceof IndexProblem) throw error;
      throw new IndexProblem(timeout.aborted ? "INDEX_SLOW" : "INDEX_AWAY", { cause: error });
    }
  }

  /** Browsers let a page of another origin read an answer only with these fields. */
  #crossOrigin(origin: string | undefined): Record<string, string> {
    if (origin === undefined) return {};
    const { origins } = this.#options;
    const isAllowed = origins.includes("*") || origins.includes(origin) || isLoopback(origin);
    if (!isAllowed) return { vary: "Origin" };
    return {
      "access-control-allow-origin": origin,
      "access-control-allow-methods": "GET, POST",
      "access-control-allow-headers": "content-type",
      "access-control-max-age": "600",
      vary: "Origin",
    };
  }

  #failed(error: unknown): HttpResponse {
    if (error instanceof IndexProblem) return error.response;
    this.#dependencies.log.error("a request failed", { error });
    return new IndexProblem("INDEX_FAILED", { cause: error }).response;
  }
}

function isLoopback(origin: string): boolean {
  return /^https?:\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/.test(origin);
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString()) as unknown;
  } catch (cause) {
    throw new IndexProblem("REQUEST_INVALID", { detail: "The body is not JSON.", cause });
  }
}

async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const body = response.body as AsyncIterable<Uint8Array> | null;
  for await (const chunk of body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_ANSWER_BYTES) {
      throw new IndexProblem("QUERY_REFUSED", { detail: "The answer is too large: ask for less." });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function json(body: string): HttpResponse {
  const headers = { "content-type": "application/json", "cache-control": "no-store" };
  return { status: 200, headers, body };
}
