import { randomBytes } from "node:crypto";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Address } from "viem";
import * as z from "zod";
import { AnswerError, EndpointFault, RevertError } from "../chain/rpc/faults.ts";
import { createHttpServer, type HttpRequest } from "../node/http/httpServer.ts";
import type { HttpResponse } from "../node/http/response.ts";
import type { Startable } from "../node/lifecycle.ts";
import { listen, unlisten } from "../node/listen.ts";
import type { Logger } from "../node/logger.ts";
import type { Timers } from "../node/timers.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { LogRanges, LongRangeError } from "./logRanges.ts";
import { UNFIT } from "./unfit.ts";

/** The methods that an index needs; all of them read. */
const METHODS: ReadonlySet<string> = new Set([
  "eth_blockNumber",
  "eth_call",
  "eth_getBlockByHash",
  "eth_getBlockByNumber",
  "eth_getBlockReceipts",
  "eth_getLogs",
  "eth_getTransactionReceipt",
]);
const MAX_BODY_BYTES = 1024 * 1024;
const LIMITS = { headersMs: 5_000, requestMs: 10_000, keepAliveMs: 60_000, maxHeaderBytes: 8_192 };

const callSchema = z.looseObject({
  id: z.union([z.number(), z.string().max(64)]),
  method: z.string().max(64),
  params: z.array(z.unknown()).optional(),
});
const headSchema = z.looseObject({ number: z.string(), timestamp: z.string() });
const blockSchema = z.looseObject({ transactions: z.array(z.string()) });

/** A block as a reader of an index needs it. */
export interface Head {
  block: number;
  /** Unix seconds. */
  time: number;
}

export interface RpcFrontOptions {
  /** The contracts whose logs Ponder reads. */
  contracts: readonly Address[];
}

export interface RpcFrontDependencies {
  /** Asks the chain's endpoints. */
  request: (method: string, params: unknown) => Promise<unknown>;
  timers: Timers;
  log: Logger;
}

/**
 * The chain for Ponder: a port on loopback. Ponder writes URLs of endpoints into its log, and they may hold keys; so it
 * gets this one. Failover, bounds of answers and checks of the chain are those of every worker.
 */
export class RpcFront implements Startable {
  readonly #dependencies: RpcFrontDependencies;
  readonly #server: Server;
  /** Other users of the host must not use the operator's endpoint. */
  readonly #path = `/${randomBytes(16).toString("hex")}`;
  readonly #ranges: LogRanges;
  #head: (Head & { at: number }) | undefined;
  #hasBlockReceipts = true;
  #chainId = 0;

  constructor({ contracts }: RpcFrontOptions, dependencies: RpcFrontDependencies) {
    this.#dependencies = dependencies;
    this.#ranges = new LogRanges(contracts, dependencies);
    this.#server = createHttpServer(LIMITS, {
      handle: (request) => this.#handle(request),
      refuse: () => plain(400),
      failed: (error) => {
        dependencies.log.error("the chain's front failed", { error });
        return plain(500);
      },
    });
  }

  /** Known once it has started. */
  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}${this.#path}`;
  }

  /** The newest block that an endpoint named, and how long ago that was. */
  get head(): { head: Head; agoMs: number } | undefined {
    if (this.#head === undefined) return undefined;
    const { at, ...head } = this.#head;
    return { head, agoMs: this.#dependencies.timers.monotonic() - at };
  }

  /** The chain's ID for Ponder. */
  get chainId(): number {
    return this.#chainId;
  }

  /** A process of Ponder begins, with its ID of the chain: it has taken nothing yet. */
  begin(chainId: number): void {
    this.#chainId = chainId;
    this.#ranges.forget();
  }

  async start(): Promise<void> {
    await listen(
      this.#server,
      { host: "127.0.0.1", port: 0 },
      (cause) => new BlockcloudError("HTTP_LISTEN", "Cannot listen on loopback.", { cause }),
    );
  }

  async stop(): Promise<void> {
    this.#ranges.stop();
    await unlisten(this.#server);
  }

  async #handle(request: HttpRequest): Promise<HttpResponse> {
    // Ponder bounds the requests to each of its endpoints; it gets this one under several names (see `ponderEnv`).
    if (request.method !== "POST" || !request.path.startsWith(`${this.#path}/`)) return plain(404);
    const body = await request.body(MAX_BODY_BYTES);
    if (body === undefined) return plain(413);
    const parsed = callSchema.safeParse(JSON.parse(body.toString()));
    if (!parsed.success) return plain(400);
    const { id, method, params = [] } = parsed.data;
    try {
      return answer({ id, result: await this.#ask(method, params) });
    } catch (error) {
      // Ponder slows down for this status.
      if (error instanceof EndpointFault && error.kind === "limit") return plain(429);
      return answer({ id, error: errorOf(error) });
    }
  }

  async #ask(method: string, params: readonly unknown[]): Promise<unknown> {
    if (method === "eth_chainId") return `0x${this.#chainId.toString(16)}`;
    if (!METHODS.has(method)) {
      throw new AnswerError({ code: -32_601, message: `The method ${method} is not served.` });
    }
    if (method === "eth_getBlockReceipts") return await this.#receipts(params);
    if (method === "eth_getLogs") return await this.#logs(params[0]);
    const result = await this.#dependencies.request(method, params);
    if (method === "eth_getBlockByNumber" && params[0] === "latest") this.#note(result);
    return result;
  }

  async #logs(filter: unknown): Promise<unknown> {
    return await this.#ranges.read(filter).catch((error: unknown) => {
      // Ponder halves the range of blocks for these words; other faults it would only meet again.
      const isLarge = error instanceof EndpointFault && / more than \d+ bytes/.test(error.message);
      if (!isLarge && !(error instanceof LongRangeError)) throw error;
      throw new AnswerError({ code: -32_602, message: "query exceeds max results" });
    });
  }

  /** All receipts of a block; one by one where the node does not know the method. */
  async #receipts(params: readonly unknown[]): Promise<unknown> {
    const { request, log } = this.#dependencies;
    if (this.#hasBlockReceipts) {
      try {
        return await request("eth_getBlockReceipts", params);
      } catch (error) {
        if (!(error instanceof AnswerError)) throw error;
        this.#hasBlockReceipts = false;
        log.info("the endpoint has no eth_getBlockReceipts: receipts are read one by one");
      }
    }
    const block = blockSchema.parse(await request("eth_getBlockByHash", [params[0], false]));
    return await Promise.all(
      block.transactions.map((hash) => request("eth_getTransactionReceipt", [hash])),
    );
  }

  #note(block: unknown): void {
    const parsed = headSchema.safeParse(block);
    if (!parsed.success) return;
    const { number, timestamp } = parsed.data;
    const at = this.#dependencies.timers.monotonic();
    this.#head = { block: Number(number), time: Number(timestamp), at };
  }
}

const FAILED = "The request failed.";

function errorOf(error: unknown): { code: number; message: string; data?: unknown } {
  // Ponder repeats a node's words, and there are words for which the database is set aside.
  const told = (text: string) => (UNFIT.test(text) ? FAILED : text);
  if (error instanceof AnswerError) return { code: error.nodeCode, message: told(error.reason) };
  if (error instanceof RevertError)
    return { code: 3, message: told(error.message), data: error.data };
  // An endpoint's fault never names its URL; another error's text is not passed on.
  const message = error instanceof EndpointFault ? error.message : FAILED;
  return { code: -32_603, message };
}

function answer(value: object): HttpResponse {
  const headers = { "content-type": "application/json" };
  return { status: 200, headers, body: JSON.stringify({ jsonrpc: "2.0", ...value }) };
}

function plain(status: number): HttpResponse {
  return { status, headers: { "content-type": "text/plain" }, body: "" };
}
