import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface RpcCall {
  id: number;
  method: string;
  params: unknown[];
}

type Answer = { result: unknown } | { error: { code: number; message: string } };

/** An RPC endpoint before a node, which can fail in the ways that public ones do. */
export class RpcProxy {
  /** `down`: closes the connection; `silent`: never answers; `garbage`: a page; `busy`: status 429. */
  mode: "well" | "down" | "silent" | "garbage" | "busy" = "well";
  /** Answers methods itself; undefined passes on to the node. */
  override: (call: RpcCall) => Answer | undefined = () => undefined;
  /** Called before a method is passed on; what it waits for holds the answer back. */
  before: (call: RpcCall) => void | Promise<void> = () => undefined;
  /** Called when the node has answered, before the answer goes out. */
  after: (call: RpcCall) => void | Promise<void> = () => undefined;
  /** Methods that were asked for, in order. */
  readonly asked: string[] = [];
  readonly #node: string;
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  constructor(node: string) {
    this.#node = node;
  }

  async start(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  /** With a key, as public endpoints have it in their URLs. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v2/secret`;
  }

  /** Takes transactions and passes none on. */
  swallow(): void {
    this.override = ({ method }) =>
      method === "eth_sendRawTransaction" ? { result: `0x${"00".repeat(32)}` } : undefined;
  }

  /** Serves the chain as it was at a block, as far as the head is concerned. */
  lagAt(block: string): void {
    this.override = ({ method }) => (method === "eth_blockNumber" ? { result: block } : undefined);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString()) as RpcCall | RpcCall[];
    const calls = Array.isArray(body) ? body : [body];
    this.asked.push(...calls.map(({ method }) => method));
    if (this.mode === "silent") return;
    if (this.mode === "down") {
      request.socket.destroy();
      return;
    }
    if (this.mode === "busy") {
      response.writeHead(429).end("too many requests");
      return;
    }
    if (this.mode === "garbage") {
      response.writeHead(200).end("<html>maintenance</html>");
      return;
    }
    let answers: object[];
    try {
      answers = await Promise.all(
        calls.map(async (call) => ({ jsonrpc: "2.0", id: call.id, ...(await this.#answer(call)) })),
      );
    } catch {
      // A hook has failed: the endpoint is gone in the middle of it.
      request.socket.destroy();
      return;
    }
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(Array.isArray(body) ? answers : answers[0]));
  }

  async #answer(call: RpcCall): Promise<Answer> {
    await this.before(call);
    const own = this.override(call);
    if (own !== undefined) return own;
    const response = await fetch(this.#node, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", ...call }),
    });
    const answer = (await response.json()) as Answer;
    await this.after(call);
    return answer;
  }
}
