import { createHash } from "node:crypto";
import { get, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { BlockcloudError } from "../src/protocol/errors.ts";
import { rawName } from "../src/protocol/name.ts";
import { rootServiceId } from "../src/protocol/serviceId.ts";
import { PATH, type LongFile } from "./longFile.ts";
import type { Client } from "../src/client/client.ts";
import type { SalProxy } from "../src/sal/proxy/salProxy.ts";

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
  /** The longest time without a byte while another process took the provider's place, if one did, milliseconds. */
  replacedMs?: number;
}

/** Whose programs download: by the local proxy, of which they know the address only. */
export interface DownloadingUser {
  readonly client: Pick<Client, "watch" | "sessions">;
  readonly proxy: Pick<SalProxy, "address">;
  /** Called when a session has moved. */
  moved: (gapMs: number) => void;
}

/** Bytes that must have come before the service moves, and again after it. */
const ENOUGH_BYTES = 4 * 1024 * 1024;

/** A download of a {@link LongFile} by a program that knows only the proxy of a user. */
export class Download {
  readonly #service: bigint;
  readonly #user: DownloadingUser;
  readonly #hash = createHash("sha256");
  readonly #stopping = new AbortController();
  readonly #ended = Promise.withResolvers<undefined>();
  #from = "";
  #bytes = 0;
  #gapMs: number | undefined;
  #bytesAtMove = 0;
  #lastAt = performance.now();
  /** Undefined until the process is replaced. */
  #replacedMs: number | undefined;
  #look = () => {};

  private constructor(user: DownloadingUser, service: bigint) {
    this.#service = service;
    this.#user = user;
    user.moved = (gapMs) => {
      this.#gapMs = Math.max(this.#gapMs ?? 0, gapMs);
      this.#bytesAtMove = this.#bytes;
    };
    // It is awaited at the end.
    this.#ended.promise.catch(() => undefined);
  }

  /** The endpoint at the beginning. */
  get from(): string {
    return this.#from;
  }

  /** Begins a download, and waits until some of it has come. */
  static async start(user: DownloadingUser, service: bigint): Promise<Download> {
    const download = new Download(user, service);
    try {
      await download.#start();
      return download;
    } catch (error) {
      download.stop();
      throw error;
    }
  }

  async #start(): Promise<void> {
    const { address: host, port } = this.#user.proxy.address;
    const name = rawName(rootServiceId(this.#service));
    // A record that has just expired is renewed within a second.
    for await (const change of this.#user.client.watch(name)) if ("answer" in change) break;
    const headers = { host: name };
    const { signal } = this.#stopping;
    const path = `http://${name}${PATH}`;
    const request = get({ host, port, path, headers, agent: false, signal });
    request.on("error", this.#ended.reject);
    request.on("response", (response) => {
      this.#take(response);
    });
    await this.#until(() => this.#bytes >= ENOUGH_BYTES);
    this.#from = this.#user.client.sessions[0]?.endpoint ?? "";
  }

  /** Waits until the download went on after the move. */
  wentOn(): Promise<void> {
    return this.#until(
      () => this.#gapMs !== undefined && this.#bytes >= this.#bytesAtMove + ENOUGH_BYTES,
    );
  }

  /** Watches for pauses while the provider's process is replaced, and until more has come. */
  async during(replace: () => Promise<void>): Promise<void> {
    this.#replacedMs = 0;
    await Promise.race([replace(), this.#ended.promise]);
    const before = this.#bytes;
    await this.#until(() => this.#bytes >= before + ENOUGH_BYTES);
  }

  /** Ends the file, and compares what came. */
  async finish(file: LongFile): Promise<DemoDownload> {
    file.finish();
    await this.#ended.promise;
    const sha256 = this.#hash.digest("hex");
    return {
      service: Number(this.#service),
      bytes: this.#bytes,
      sha256,
      isWhole: sha256 === file.sha256,
      from: this.#from,
      to: this.#user.client.sessions[0]?.endpoint ?? "",
      gapMs: Math.round(this.#gapMs ?? 0),
      ...(this.#replacedMs !== undefined && { replacedMs: Math.round(this.#replacedMs) }),
    };
  }

  /** Ends a download that has not ended. */
  stop(): void {
    this.#stopping.abort();
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
      const now = performance.now();
      if (this.#replacedMs !== undefined) {
        this.#replacedMs = Math.max(this.#replacedMs, now - this.#lastAt);
      }
      this.#lastAt = now;
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
