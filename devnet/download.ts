import { createHash, randomBytes } from "node:crypto";
import { get, type IncomingMessage, type RequestListener } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { createClient } from "../src/client/createClient.ts";
import type { Client } from "../src/client/client.ts";
import { silentLogger } from "../src/node/logger.ts";
import { BlockcloudError } from "../src/protocol/errors.ts";
import { rawName } from "../src/protocol/name.ts";
import { rootServiceId } from "../src/protocol/serviceId.ts";
import { createSalProxy, type SalProxy } from "../src/sal/proxy/salProxy.ts";
import type { Stage } from "./stage.ts";

/** The result of a long download through the local proxy, under which the service moved. */
export interface DemoDownload {
  service: number;
  bytes: number;
  /** Of the bytes that arrived. */
  sha256: string;
  /** Whether the service sent the same bytes. */
  isWhole: boolean;
  /** The endpoint at the beginning, and at the end. */
  from: string;
  to: string;
  /** From the last byte of the old connection to the new one, milliseconds. */
  gapMs: number;
}

/** The path of the file at the service. */
const PATH = "/download";
/** A piece of the file, and the pause after it: 16 MiB a second. */
const PIECE_BYTES = 64 * 1024;
const PAUSE_MS = 4;
/** Bytes that must have come before the service moves, and again after it. */
const ENOUGH_BYTES = 4 * 1024 * 1024;

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

/** A download of a {@link LongFile} by a program that knows only a proxy. */
export class Download {
  readonly #service: bigint;
  readonly #client: Client;
  readonly #proxy: SalProxy;
  readonly #hash = createHash("sha256");
  readonly #ended = Promise.withResolvers<undefined>();
  #from = "";
  #bytes = 0;
  #gapMs: number | undefined;
  #bytesAtMove = 0;
  #look = () => {};

  private constructor(stage: Stage, service: bigint, resolver: string) {
    const { deployment, rpcUrl } = stage.devnet;
    this.#service = service;
    this.#client = createClient(
      { deployment, rpc: rpcUrl, resolver, allowLoopback: true },
      {
        observer: {
          moved: ({ gapMs }) => {
            this.#gapMs = Math.max(this.#gapMs ?? 0, gapMs);
            this.#bytesAtMove = this.#bytes;
          },
        },
      },
    );
    this.#proxy = createSalProxy(
      { listen: { port: 0 } },
      {
        dial: ({ host, port }, signal) => this.#client.connect(host, { port, signal }),
        logger: silentLogger,
      },
    );
    // It is awaited at the end.
    this.#ended.promise.catch(() => undefined);
  }

  /** Begins a download, and waits until some of it has come. */
  static async start(stage: Stage, service: bigint, resolver: string): Promise<Download> {
    const download = new Download(stage, service, resolver);
    try {
      await download.#start();
      return download;
    } catch (error) {
      await download.stop();
      throw error;
    }
  }

  async #start(): Promise<void> {
    await this.#proxy.start();
    const { address: host, port } = this.#proxy.address;
    const name = rawName(rootServiceId(this.#service));
    // A record that has just expired is renewed within a second.
    for await (const change of this.#client.watch(name)) if ("answer" in change) break;
    const headers = { host: name };
    const request = get({ host, port, path: `http://${name}${PATH}`, headers, agent: false });
    request.on("error", this.#ended.reject);
    request.on("response", (response) => {
      this.#take(response);
    });
    await this.#until(() => this.#bytes >= ENOUGH_BYTES);
    this.#from = this.#client.sessions[0]?.endpoint ?? "";
  }

  /** Waits until the download went on after the move, ends the file, and compares what came. */
  async finish(file: LongFile): Promise<DemoDownload> {
    await this.#until(
      () => this.#gapMs !== undefined && this.#bytes >= this.#bytesAtMove + ENOUGH_BYTES,
    );
    file.finish();
    await this.#ended.promise;
    const sha256 = this.#hash.digest("hex");
    return {
      service: Number(this.#service),
      bytes: this.#bytes,
      sha256,
      isWhole: sha256 === file.sha256,
      from: this.#from,
      to: this.#client.sessions[0]?.endpoint ?? "",
      gapMs: Math.round(this.#gapMs ?? 0),
    };
  }

  async stop(): Promise<void> {
    // The client first: the proxy would wait for a download that does not end.
    await this.#client.close();
    await this.#proxy.stop();
  }

  #take(response: IncomingMessage): void {
    if (response.statusCode !== 200) {
      text(response).then((body) => {
        const why = `The download has the status ${response.statusCode}: ${body.slice(0, 500)}`;
        this.#ended.reject(new BlockcloudError("DOWNLOAD_FAILED", why));
      }, this.#ended.reject);
      return;
    }
    response.on("data", (piece: Buffer) => {
      this.#hash.update(piece);
      this.#bytes += piece.length;
      this.#look();
    });
    response.on("error", this.#ended.reject);
    response.on("end", () => {
      this.#ended.resolve(undefined);
    });
  }

  async #until(condition: () => boolean): Promise<void> {
    const reached = new Promise<void>((resolve) => {
      this.#look = () => {
        if (condition()) resolve();
      };
    });
    this.#look();
    await Promise.race([reached, this.#ended.promise]);
  }
}
