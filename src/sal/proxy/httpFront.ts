import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Connections } from "../../net/connections.ts";
import { responseToUpgrade } from "../../node/http/upgrade.ts";
import { expectsContinue, hasBody, isWebSocket } from "../../node/http/framing.ts";
import { linger } from "../../node/http/linger.ts";
import { Unreadable } from "../../node/http/unreadable.ts";
import type { Grant } from "./access.ts";
import { admit, admitTunnel } from "./admission.ts";
import { codeOf, join, report, type ProxyContext } from "./context.ts";
import { failureOf } from "./failures.ts";
import { FlowAgent } from "../flowAgent.ts";
import { maxForwards } from "./forwarded.ts";
import { clientGone } from "./errors.ts";
import { watchProgram } from "./handshake.ts";
import { answerLocal } from "./local.ts";
import { endAfter, OWN_FIELDS, problemFields, problemMessage } from "./refusal.ts";
import { relay } from "./relay.ts";

const ESTABLISHED = "HTTP/1.1 200 Connection established\r\n\r\n";

/** What belongs to one HTTP connection. */
interface Visit {
  grant: Grant;
  /** Requests that were read and have no whole response yet. */
  waiting: number;
  /** Ends with the last of them: they are served one after the other. */
  tail: Promise<void>;
  agents: { kept: FlowAgent; single: FlowAgent };
  /** Ends the wait for a head. */
  head: AbortController;
}

/** Serves the connections of programs that speak HTTP/1. */
export class HttpFront {
  readonly #context: ProxyContext;
  readonly #connections: Connections;
  /** Node's parser and its responses. It never listens: `accept` gives it connections. */
  readonly #server: Server;
  readonly #unreadable = new Unreadable();
  readonly #visits = new WeakMap<Socket, Visit>();
  #isStopping = false;

  constructor(context: ProxyContext, connections: Connections) {
    this.#context = context;
    this.#connections = connections;
    this.#server = this.#createServer();
  }

  /** Takes over a connection from which nothing was read. */
  accept(socket: Socket, grant: Grant): void {
    const { route } = this.#context;
    const gone = new AbortController();
    const open = (host: string, port: number) =>
      route.open({ host, port, form: "http" }, socket, gone.signal);
    const agents = { kept: new FlowAgent(open, true), single: new FlowAgent(open, false) };
    const head = new AbortController();
    this.#visits.set(socket, { grant, waiting: 0, tail: Promise.resolve(), agents, head });
    socket.once("close", () => {
      gone.abort(clientGone());
      this.#visits.get(socket)?.head.abort();
      agents.kept.destroy();
      agents.single.destroy();
    });
    this.#awaitHead(socket, this.#context.settings.handshakeMs, true);
    this.#server.emit("connection", socket);
  }

  /** No connection is kept for a further request. */
  drain(): void {
    this.#isStopping = true;
  }

  #createServer(): Server {
    const server = createServer({
      maxHeaderSize: this.#context.settings.maxHeadBytes,
      // The proxy's own timers watch the heads; bodies of any length are welcome.
      headersTimeout: 0,
      requestTimeout: 0,
      keepAliveTimeout: 0,
      insecureHTTPParser: false,
      requireHostHeader: false,
      shouldUpgradeCallback: isWebSocket,
    });
    // Node drops the fields after the first two thousand without a word. The size of the head is bounded.
    server.maxHeadersCount = 0;
    server.timeout = 0;
    // Not in the documentation of Node, which otherwise closes the connection with the client's half of it.
    Object.assign(server, { httpAllowHalfOpen: true });
    const request = (incoming: IncomingMessage, outgoing: ServerResponse) => {
      this.#take(incoming, outgoing, undefined);
    };
    server.on("request", request);
    // The service decides whether to continue.
    server.on("checkContinue", request);
    server.on("upgrade", (incoming, socket, head) => {
      this.#takeUpgrade(incoming, socket as Socket, head);
    });
    server.on("connect", (incoming, socket, head) => {
      this.#takeTunnel(incoming, socket as Socket, head);
    });
    server.on("clientError", (error, socket) => {
      this.#context.observer.refused("PROXY_GARBAGE");
      this.#unreadable.end(error, socket);
    });
    return server;
  }

  /** Closes a connection that does not send a whole head in time. */
  #awaitHead(socket: Socket, milliseconds: number, isFirst: boolean): void {
    const visit = this.#visits.get(socket);
    if (visit === undefined || socket.destroyed) return;
    visit.head = new AbortController();
    this.#context.timers.sleep(milliseconds, visit.head.signal).then(
      () => {
        if (isFirst) {
          this.#context.observer.refused("PROXY_HANDSHAKE_TIMEOUT");
          socket.write("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n");
        }
        socket.destroy();
      },
      // The head came, or the connection closed.
      () => {},
    );
  }

  #take(request: IncomingMessage, response: ServerResponse, upgrade: Socket | undefined): void {
    const socket = upgrade ?? request.socket;
    // The program may be gone at any time; the response then closes without being finished.
    response.on("error", () => {});
    request.on("error", () => {});
    if (this.#isStopping) response.shouldKeepAlive = false;
    this.#unreadable.began(response);
    this.#queue(socket, async (visit) => {
      await this.#serve({ request, response, upgrade }, visit);
      if (!response.closed) await new Promise((resolve) => response.once("close", resolve));
    });
  }

  /** Runs what a connection asked for, after what it asked for before. */
  #queue(socket: Socket, run: (visit: Visit) => Promise<void>): void {
    const visit = this.#visits.get(socket);
    if (visit === undefined) return;
    const { settings, observer, logger } = this.#context;
    visit.head.abort();
    if (visit.waiting >= settings.maxPipelined) {
      observer.refused("PROXY_PIPELINE_FULL");
      socket.destroy();
      return;
    }
    visit.waiting += 1;
    this.#connections.begin(socket);
    visit.tail = visit.tail
      .then(() => run(visit))
      .catch((error: unknown) => {
        logger.error("Proxy failed", { cause: codeOf(error) });
        socket.destroy();
      })
      .then(() => {
        visit.waiting -= 1;
        this.#connections.end(socket);
        if (visit.waiting === 0) this.#awaitHead(socket, settings.keepAliveMs, false);
      });
  }

  async #serve(
    exchange: { request: IncomingMessage; response: ServerResponse; upgrade: Socket | undefined },
    { grant, agents }: Visit,
  ): Promise<void> {
    const { request, response, upgrade } = exchange;
    if (response.destroyed) return;
    try {
      const target = admit(request, upgrade ?? request.socket, grant, this.#context.access);
      if (target === undefined) answerLocal(request, response);
      else if (maxForwards(request) === 0) answerAsLast(response);
      else await relay({ ...exchange, target, agents }, this.#context);
    } catch (error) {
      await this.#refuse(request, response, error);
    }
  }

  async #refuse(request: IncomingMessage, response: ServerResponse, error: unknown): Promise<void> {
    const failure = failureOf(error, request.url?.slice(0, 200));
    report(error, "http", this.#context);
    if (response.destroyed || response.headersSent) return;
    const fields = problemFields(failure);
    // Keeping the connection is not worth reading the rest of a refused body.
    const more = hasBody(request) && !request.readableEnded;
    if (more) fields.push("Connection", "close");
    response.writeHead(failure.status, fields);
    if (request.method !== "HEAD") response.write(failure.body);
    // A client that waits for 100 (Continue) has not started to send, and now will not.
    if (more && !expectsContinue(request)) await linger(request);
    response.end();
  }

  #takeUpgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const response = responseToUpgrade(request, socket, head);
    // The response closes with the connection, unless that was handed over.
    socket.once("close", () => response.destroy());
    this.#take(request, response, socket);
  }

  #takeTunnel(request: IncomingMessage, socket: Socket, head: Buffer): void {
    if (head.length > 0) socket.unshift(head);
    this.#queue(socket, async ({ grant }) => {
      const { access, route, timers, secure } = this.#context;
      const watched = watchProgram(socket);
      try {
        const target = admitTunnel(request, socket, grant, access);
        if (secure?.takes(target) === true) {
          watched.release();
          socket.write(ESTABLISHED);
          await secure.serve(socket, target.host);
          return;
        }
        const flow = await route.open({ ...target, form: "connect" }, socket, watched.signal);
        watched.release();
        if (socket.destroyed) {
          flow.destroy(clientGone());
          return;
        }
        socket.write(ESTABLISHED);
        await join(socket, flow, "connect", this.#context);
      } catch (error) {
        watched.release();
        report(error, "connect", this.#context);
        const failure = failureOf(error, request.url?.slice(0, 200));
        endAfter(socket, problemMessage(failure), timers);
      }
    });
  }
}

/** The response to an OPTIONS that may go no further (RFC 9110, 7.6.2). */
function answerAsLast(response: ServerResponse): void {
  response.writeHead(204, [
    "Allow",
    "GET, HEAD, POST, PUT, DELETE, OPTIONS, CONNECT",
    ...OWN_FIELDS,
  ]);
  response.end();
}
