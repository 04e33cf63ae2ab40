import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { EMPTY_DIGEST } from "../../protocol/receipt.ts";
import { hasBody } from "../../node/http/framing.ts";
import { GatewayProblem } from "./problem.ts";
import type { Watchdog } from "./watchdog.ts";

export interface RequestBodyOptions {
  maxBytes: number;
  /** Whether a receipt needs the digest. */
  digest: boolean;
  onTooLarge(problem: GatewayProblem): void;
}

/** The request to the upstream. */
export interface BodyTarget {
  /** Returns false if the next part should wait for `RequestBody.drained`. */
  write(part: Buffer): boolean;
  end(): void;
}

const NO_DIGEST: Promise<Uint8Array> = Promise.resolve(EMPTY_DIGEST);

/**
 * Forwards the body of a client's request to the upstream. It is read to its end even if the upstream has
 * failed or responded early, because a receipt covers the whole body.
 */
export class RequestBody {
  /** SHA-256 of the body, once it was read to its end; rejects if it cannot be read to its end. */
  readonly digest: Promise<Uint8Array>;
  readonly empty: boolean;
  readonly #request: IncomingMessage;
  #target: BodyTarget | undefined;
  #watchdog: Watchdog | undefined;
  #tooLarge = false;

  constructor(request: IncomingMessage, options: RequestBodyOptions) {
    this.#request = request;
    this.empty = !hasBody(request);
    if (this.empty) {
      // Node discards a body that nothing reads.
      this.digest = NO_DIGEST;
      return;
    }
    // A client that vanishes is also detected on the response.
    request.on("error", () => {});
    // No data flows until a reader is attached.
    request.pause();
    this.digest = this.#read(options);
    this.digest.catch(() => {});
  }

  /**
   * Sends the body upstream.
   *
   * @param watchdog - Armed while the upstream must read or respond, not while the client must send.
   */
  forward(target: BodyTarget, watchdog: Watchdog): void {
    if (this.empty) {
      target.end();
      watchdog.arm();
      return;
    }
    this.#target = target;
    this.#watchdog = watchdog;
    this.#request.resume();
  }

  /** The upstream reads again. */
  drained(): void {
    if (this.#target === undefined) return;
    this.#watchdog?.disarm();
    this.#request.resume();
  }

  /** The upstream has responded: from now on its time limits are not enforced by this class. */
  answered(): void {
    this.#watchdog = undefined;
  }

  /** Continues to read without sending, because the upstream accepts no more. */
  discard(): void {
    this.#target = undefined;
    this.#watchdog?.disarm();
    this.#watchdog = undefined;
    this.#request.resume();
  }

  #read({ maxBytes, digest, onTooLarge }: RequestBodyOptions): Promise<Uint8Array> {
    const hash = digest ? createHash("sha256") : undefined;
    let received = 0;
    return new Promise((resolve, reject) => {
      this.#request.on("data", (chunk: Buffer) => {
        if (this.#tooLarge) return;
        received += chunk.length;
        if (received > maxBytes) {
          this.#tooLarge = true;
          const problem = new GatewayProblem("BODY_TOO_LARGE");
          reject(problem);
          onTooLarge(problem);
          return;
        }
        hash?.update(chunk);
        this.#send(chunk);
      });
      this.#request.on("end", () => {
        resolve(hash?.digest() ?? EMPTY_DIGEST);
        this.#target?.end();
        this.#watchdog?.arm();
      });
      this.#request.on("close", () => {
        if (!this.#request.readableEnded) reject(new GatewayProblem("CLIENT_GONE"));
      });
    });
  }

  #send(chunk: Buffer): void {
    if (this.#target === undefined || this.#target.write(chunk)) return;
    this.#request.pause();
    this.#watchdog?.arm();
  }
}
