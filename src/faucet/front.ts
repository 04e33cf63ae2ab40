import type { AddressInfo } from "node:net";
import { getAddress, isAddress } from "viem";
import * as z from "zod";
import { peerOf } from "../net/peer.ts";
import type { RefusalObserver } from "../net/publicHttpMetrics.ts";
import { PublicHttpServer, type PublicHttpLimits } from "../net/publicHttpServer.ts";
import type { HttpRequest } from "../node/http/httpServer.ts";
import type { HttpResponse } from "../node/http/response.ts";
import type { Startable } from "../node/lifecycle.ts";
import type { ListenAddress } from "../node/listen.ts";
import type { Logger } from "../node/logger.ts";
import type { Faucet } from "./faucet.ts";
import { FaucetProblem } from "./problem.ts";

const LIMITS = { maxHeaderBytes: 8 * 1024, headersMs: 5_000, requestMs: 10_000 };
const MAX_BODY_BYTES = 1024;

const askSchema = z.strictObject({
  address: z.string().refine((text) => isAddress(text, { strict: true }), "Give an address."),
});

export interface FaucetFrontOptions extends PublicHttpLimits {
  /** Port 0 chooses a free port: see `address`. */
  listen: ListenAddress;
}

/** Serves a faucet over HTTP (docs/operations.md). */
export class FaucetFront implements Startable {
  readonly #chainId: number;
  readonly #faucet: Faucet;
  readonly #log: Logger;
  readonly #server: PublicHttpServer;

  constructor(
    options: FaucetFrontOptions & { chainId: number },
    { faucet, log, refusals }: { faucet: Faucet; log: Logger; refusals?: RefusalObserver },
  ) {
    this.#chainId = options.chainId;
    this.#faucet = faucet;
    this.#log = log;
    this.#server = new PublicHttpServer(
      { ...options, ...LIMITS },
      {
        handle: (request) => this.#handle(request),
        refuse: (reason) =>
          new FaucetProblem(reason === "coding" ? "TRANSFER_CODING_REFUSED" : "REQUEST_INVALID")
            .response,
        failed: (error) => this.#failed(error),
        unread: () => new FaucetProblem("RESPONSES_UNREAD").response,
      },
      { log, refusals },
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
    this.#log.info("faucet listens", { address, port, from: this.#faucet.address });
  }

  stop(): Promise<void> {
    return this.#server.stop();
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
    const peer = peerOf(this.#server.clientOf(request));
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
