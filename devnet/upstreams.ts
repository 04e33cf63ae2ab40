import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** A server of the demo behind a gateway. */
export interface Upstream {
  url: string;
  stop(): Promise<void>;
}

/** Files by request path, with the digests that probes check. */
export class FileSet {
  readonly #files: Map<string, Buffer>;

  private constructor(files: Map<string, Buffer>) {
    this.#files = files;
  }

  /** Reads files from a folder. */
  static async read(folder: URL, names: readonly string[]): Promise<FileSet> {
    const files = await Promise.all(
      names.map(async (name) => [`/${name}`, await readFile(new URL(name, folder))] as const),
    );
    return new FileSet(new Map(files));
  }

  /** Requests for a probe: each file with the SHA-256 of its body. */
  probes(): { path: string; sha256: string }[] {
    return [...this.#files].map(([path, body]) => ({
      path,
      sha256: createHash("sha256").update(body).digest("hex"),
    }));
  }

  /** Serves the files. */
  readonly listener: RequestListener = (request, response) => {
    const body = this.#files.get(request.url ?? "");
    if (body === undefined) {
      response.writeHead(404).end("no such file\n");
      return;
    }
    response.writeHead(200, {
      "content-type": "text/plain; charset=utf-8",
      "content-length": body.length,
    });
    response.end(body);
  };
}

/** The effect of the fault injector on a request. */
export type Fault = { kind: "none" } | { kind: "slow"; milliseconds: number } | { kind: "down" };

/** Injects faults before a listener; `faultNow` gives the fault at the moment of a request. */
export function withFaults(listener: RequestListener, faultNow: () => Fault): RequestListener {
  return (request, response) => {
    const fault = faultNow();
    if (fault.kind === "down") {
      response.writeHead(503).end("down\n");
    } else if (fault.kind === "slow") {
      void delay(fault.milliseconds).then(() => {
        listener(request, response);
      });
    } else {
      listener(request, response);
    }
  };
}

/** Serves a listener on a free loopback port. */
export async function startUpstream(listener: RequestListener): Promise<Upstream> {
  const server: Server = createServer(listener);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
