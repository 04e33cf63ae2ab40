import { createHash, randomBytes } from "node:crypto";
import type { RequestListener } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

/** The path of the file at the service. */
export const PATH = "/download";
/** A piece of the file, and the pause after it: 16 MiB a second. */
const PIECE_BYTES = 64 * 1024;
const PAUSE_MS = 4;

/** A file that a server sends until it is told to finish. */
export class LongFile {
  readonly #hash = createHash("sha256");
  readonly #piece = randomBytes(PIECE_BYTES);
  #isFinished = false;
  #digest: string | undefined;

  /** Serves the file, and everything else by another listener. */
  listener(others: RequestListener): RequestListener {
    return (request, response) => {
      if (request.url !== PATH) {
        others(request, response);
        return;
      }
      response.writeHead(200, { "content-type": "application/octet-stream" });
      let number = 0;
      const send = async () => {
        while (!this.#isFinished && !response.destroyed) {
          // No two pieces are the same: a lost or repeated one changes the digest.
          this.#piece.writeUInt32BE(number++ % 2 ** 32);
          const piece = Buffer.from(this.#piece);
          this.#hash.update(piece);
          if (!response.write(piece)) await drained(response);
          await delay(PAUSE_MS);
        }
        this.#digest = this.#hash.digest("hex");
        response.end();
      };
      send().catch((error: unknown) => {
        response.destroy(error as Error);
      });
    };
  }

  /** Ends the file after the present piece. */
  finish(): void {
    this.#isFinished = true;
  }

  /** Of all that was sent; undefined before the end. */
  get sha256(): string | undefined {
    return this.#digest;
  }
}

function drained(response: Parameters<RequestListener>[1]): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.on("drain", done);
    response.on("close", done);
  });
}
