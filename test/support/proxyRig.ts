import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer, type RequestListener, type Server as HttpServer } from "node:http";
import {
  connect,
  createServer as createTcpServer,
  type AddressInfo,
  type Server,
  type Socket,
} from "node:net";
import type { Duplex } from "node:stream";
import type { Bound } from "../../src/net/peerBounds.ts";
import { BlockcloudError } from "../../src/protocol/errors.ts";
import type { DialTarget, ProxyForm } from "../../src/sal/proxy/dial.ts";
import type { ProxyOptions } from "../../src/sal/proxy/options.ts";
import {
  createSalProxy,
  type ProxyDependencies,
  type SalProxy,
} from "../../src/sal/proxy/salProxy.ts";
import { MemoryLog } from "./memoryLog.ts";
import { PlainFlow } from "./plainFlow.ts";

/** A proxy in front of services that are plain TCP servers: each name is one. */
export class ProxyRig {
  readonly log = new MemoryLog();
  /** What was dialled, in order. */
  readonly dialled: DialTarget[] = [];
  /** The flows that were opened, the ends that the proxy holds. */
  readonly flows: Duplex[] = [];
  readonly opened: ProxyForm[] = [];
  readonly closed: { form: ProxyForm; up: number; down: number }[] = [];
  readonly refused: string[] = [];
  readonly bounds: Bound[] = [];
  #proxy: SalProxy | undefined;
  /** Whether flows are streams that are no sockets, as those of the SAL. */
  readonly #plain: boolean;
  readonly #services = new Map<string, number>();
  readonly #errors = new Map<string, Error>();
  readonly #servers: (Server | HttpServer)[] = [];
  readonly #sockets = new Set<Socket>();

  constructor({ plain = false } = {}) {
    this.#plain = plain;
  }

  /** Starts the proxy. */
  async start(
    options: Partial<ProxyOptions> = {},
    dependencies: Partial<ProxyDependencies> = {},
  ): Promise<void> {
    this.#proxy = createSalProxy(
      { listen: { port: 0 }, drainMs: 0, ...options },
      {
        dial: (target, signal) => this.#dial(target, signal),
        logger: this.log,
        observer: {
          opened: (form) => this.opened.push(form),
          closed: (form, { up, down }) => this.closed.push({ form, up, down }),
          refused: (code) => this.refused.push(code),
          connectionRefused: (bound) => this.bounds.push(bound),
        },
        ...dependencies,
      },
    );
    await this.#proxy.start();
  }

  async stop(): Promise<void> {
    await this.#proxy?.stop();
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(
      this.#servers.map(async (server) => {
        const closed = once(server, "close");
        server.close();
        await closed;
      }),
    );
  }

  get proxy(): SalProxy {
    if (this.#proxy === undefined) throw new Error("the rig was not started");
    return this.#proxy;
  }

  get port(): number {
    return this.proxy.address.port;
  }

  /** `127.0.0.1:port`. */
  get at(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Serves a name by HTTP. */
  async http(name: string, listener: RequestListener): Promise<HttpServer> {
    const server = createServer(listener);
    await this.#listen(name, server);
    return server;
  }

  /** Serves a name by a function for each connection, which it gets with both halves independent. */
  async tcp(name: string, serve: (socket: Socket) => void): Promise<void> {
    const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
      socket.on("error", () => {});
      serve(socket);
    });
    await this.#listen(name, server);
  }

  /** Serves a name by one of these texts after each piece that arrives, and gives what has arrived. */
  async scripted(name: string, ...answers: string[]): Promise<string[]> {
    const heads: string[] = [];
    await this.tcp(name, (socket) => {
      socket.on("data", (data: Buffer) => {
        heads.push(data.toString("latin1"));
        socket.write(answers[heads.length - 1] ?? "", "latin1");
      });
      socket.once("end", () => socket.end());
    });
    return heads;
  }

  /** Dialling a name fails. */
  fails(name: string, error: Error): void {
    this.#errors.set(name, error);
  }

  /** Opens a connection to the proxy. */
  connect(): Promise<Socket> {
    const socket = connect({ host: "127.0.0.1", port: this.port, allowHalfOpen: true });
    this.#track(socket);
    return once(socket, "connect").then(() => socket);
  }

  /** Sends bytes on a new connection, and reads until its end. */
  async exchange(...parts: (string | Uint8Array)[]): Promise<{ text: string; reset: boolean }> {
    const socket = await this.connect();
    for (const part of parts) socket.write(part, "latin1");
    return drained(socket);
  }

  async #listen(name: string, server: Server | HttpServer): Promise<void> {
    this.#servers.push(server);
    server.on("connection", (socket: Socket) => {
      this.#track(socket);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    this.#services.set(name, (server.address() as AddressInfo).port);
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => this.#sockets.delete(socket));
  }

  async #dial(target: DialTarget, signal: AbortSignal): Promise<Duplex> {
    this.dialled.push(target);
    const error = this.#errors.get(target.host);
    if (error !== undefined) throw error;
    const port = this.#services.get(target.host);
    if (port === undefined) {
      throw new BlockcloudError("SERVICE_UNKNOWN", `There is no service ${target.host}.`, {
        remedy: "Check the name.",
      });
    }
    const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
    this.#track(socket);
    await once(socket, "connect", { signal });
    const flow = this.#plain ? new PlainFlow(socket) : socket;
    this.flows.push(flow);
    return flow;
  }
}

/** All that a connection gives, and whether it ended by a reset. */
export async function drained(socket: Socket): Promise<{ text: string; reset: boolean }> {
  const chunks: Buffer[] = [];
  let reset = false;
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("error", (error: NodeJS.ErrnoException) => (reset = error.code === "ECONNRESET"));
  socket.once("end", () => socket.end());
  if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
  return { text: Buffer.concat(chunks).toString("latin1"), reset };
}

/** What curl gave: its exit code, what it printed, and the codes of the statuses. */
export interface CurlResult {
  exit: number;
  body: Buffer;
  status: number;
}

/** Runs curl, with no settings of the user's own. */
export function curl(...args: string[]): Promise<CurlResult> {
  const own = [
    "-q",
    "--silent",
    "--noproxy",
    "",
    "--write-out",
    "%{stderr}%{http_code} %{http_connect}",
  ];
  return new Promise((resolve, reject) => {
    const limits = { encoding: "buffer", maxBuffer: 64 * 1024 * 1024 } as const;
    execFile("curl", [...own, ...args], limits, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== "number") {
        reject(new Error("curl did not run", { cause: error }));
        return;
      }
      const [, answered = "0", connected = "0"] = /(\d{3}) (\d{3})$/.exec(stderr.toString()) ?? [];
      resolve({
        exit: Number(error?.code ?? 0),
        body: stdout,
        status: Number(answered) || Number(connected),
      });
    });
  });
}
