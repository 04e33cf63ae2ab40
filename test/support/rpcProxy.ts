import { once } from "node:events";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { atHeight } from "./rpcHeights.ts";

export interface RpcCall {
  id: number;
  method: string;
  params: unknown[];
}

export interface RpcError {
  code: number;
  message: string;
  data?: unknown;
}
export type RpcAnswer = { result: unknown } | { error: RpcError };

/** What becomes of a call: an answer of the proxy's own, or of the whole request that it travels in. */
export type RpcFault =
  | RpcAnswer
  /** Closes the connection. */
  | "cut"
  /** Never answers. */
  | "silent"
  /** A page, with status 200. */
  | "garbage"
  | { status: number; headers?: Record<string, string>; body?: string };

/** How an endpoint refuses batches that are longer than it takes. */
export interface BatchRule {
  most: number;
  /**
   * `object`: one error with ID null; `list`: the same in a list; `partial`: the first ones are answered, the
   * rest left out; `each`: an error for each of the rest; `status`: 413 by a proxy before the node.
   */
  refusal: "object" | "list" | "partial" | "each" | "status";
}

interface Rule {
  methods: ReadonlySet<string> | undefined;
  fault: RpcFault;
  left: number;
}

/** An RPC endpoint before a node, which can fail in the ways that public ones do. */
export class RpcProxy {
  /** Answers methods itself; undefined passes on to the node. */
  override: (call: RpcCall) => RpcAnswer | undefined = () => undefined;
  /** Called before a method is passed on; what it waits for holds the answer back. */
  before: (call: RpcCall) => void | Promise<void> = () => undefined;
  /** Called when the node has answered, before the answer goes out. */
  after: (call: RpcCall) => void | Promise<void> = () => undefined;
  /** Sees the headers of each request. */
  sees: (headers: IncomingHttpHeaders) => void = () => undefined;
  /** Blocks by which all that it answers is behind the node. */
  lag = 0;
  /** How batches are refused; undefined takes any. */
  batch: BatchRule | undefined;
  /** How it gives back the request's ID, and whether `"error": null` stands beside a result. */
  form: { ids: "number" | "text" | "null"; nullErrors: boolean } = {
    ids: "number",
    nullErrors: false,
  };
  /** Methods that were asked for, in order. */
  readonly asked: string[] = [];
  /** How many calls each request held, in order. */
  readonly requests: number[] = [];
  readonly #node: string;
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  #rules: Rule[] = [];
  #pruning: { seconds: number; gone: () => RpcAnswer } | undefined;

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

  /** How often a method was asked for. */
  count(method: string): number {
    return this.asked.filter((asked) => asked === method).length;
  }

  /**
   * Lets calls fail until `heal`, or so many times.
   *
   * @param methods Without them, all calls.
   */
  fail(fault: RpcFault, methods?: readonly string[], times = Infinity): void {
    this.#rules.push({ fault, methods: methods && new Set(methods), left: times });
  }

  /** Asks the node. */
  pass(call: Pick<RpcCall, "method" | "params">): Promise<RpcAnswer> {
    return this.#ask(call);
  }

  /** Answers like a node that keeps the blocks, and their logs, of so many seconds and the newest ones. */
  prune(seconds: number, gone: () => RpcAnswer): void {
    this.#pruning = { seconds, gone };
  }

  /** Ends all faults. */
  heal(): void {
    this.#rules = [];
    this.#pruning = undefined;
    this.before = this.after = () => undefined;
    this.override = () => undefined;
    this.lag = 0;
    this.batch = undefined;
    this.form = { ids: "number", nullErrors: false };
  }

  /** Takes transactions and passes none on. */
  swallow(): void {
    this.fail({ result: `0x${"00".repeat(32)}` }, ["eth_sendRawTransaction"]);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.sees(request.headers);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString()) as RpcCall | RpcCall[];
    const calls = Array.isArray(body) ? body : [body];
    this.asked.push(...calls.map(({ method }) => method));
    this.requests.push(calls.length);
    try {
      const refused = this.#refuseBatch(calls, response);
      if (refused) return;
      const faults = calls.map((call) => this.#fault(call));
      const whole = faults.find((fault) => fault !== undefined && !isAnswer(fault));
      if (whole !== undefined && !isAnswer(whole)) {
        this.#break(whole, request, response);
        return;
      }
      const answers = await Promise.all(
        calls.map(async (call, index) =>
          this.#shape(call, (faults[index] as RpcAnswer | undefined) ?? (await this.#answer(call))),
        ),
      );
      this.#reply(response, Array.isArray(body) ? this.#partial(answers) : answers[0]);
    } catch {
      // A hook has failed: the endpoint is gone in the middle of it.
      request.socket.destroy();
    }
  }

  #fault({ method }: RpcCall): RpcFault | undefined {
    const rule = this.#rules.find(
      ({ methods, left }) => left > 0 && (methods?.has(method) ?? true),
    );
    if (rule === undefined) return undefined;
    rule.left -= 1;
    return rule.fault;
  }

  #break(
    fault: Exclude<RpcFault, RpcAnswer>,
    request: IncomingMessage,
    response: ServerResponse,
  ): void {
    if (fault === "silent") return;
    if (fault === "cut") request.socket.destroy();
    else if (fault === "garbage") response.writeHead(200).end("<html>maintenance</html>");
    else response.writeHead(fault.status, fault.headers).end(fault.body ?? "no");
  }

  /** Whether the batch was refused as a whole. */
  #refuseBatch(calls: readonly RpcCall[], response: ServerResponse): boolean {
    const { most, refusal } = this.batch ?? { most: Infinity, refusal: "object" };
    if (calls.length <= most || refusal === "partial" || refusal === "each") return false;
    const answer = { jsonrpc: "2.0", id: null, error: TOO_LONG };
    if (refusal === "status") response.writeHead(413).end("request entity too large");
    else this.#reply(response, refusal === "list" ? [answer] : answer);
    return true;
  }

  #partial(answers: readonly object[]): readonly object[] {
    const { most, refusal } = this.batch ?? { most: Infinity, refusal: "partial" };
    if (answers.length <= most) return answers;
    if (refusal === "partial") return answers.slice(0, most);
    return answers.map((answer, index) =>
      index < most ? answer : { jsonrpc: "2.0", id: index, error: TOO_LONG },
    );
  }

  #shape({ id }: RpcCall, answer: RpcAnswer): object {
    const { ids, nullErrors } = this.form;
    const given = { number: id, text: `${id}`, null: null }[ids];
    return {
      jsonrpc: "2.0",
      id: given,
      ...answer,
      ...(nullErrors && "result" in answer && { error: null }),
    };
  }

  #reply(response: ServerResponse, answer: unknown): void {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(answer));
  }

  async #answer(call: RpcCall): Promise<RpcAnswer> {
    await this.before(call);
    const own = this.override(call) ?? (await this.#ifPruned(call));
    if (own !== undefined) return own;
    const answer = await atHeight(call, this.lag, (asked) => this.#ask(asked));
    await this.after(call);
    return answer;
  }

  /** What a node answers that has thrown the block away; undefined where it has not. */
  async #ifPruned({ method, params = [] }: Partial<RpcCall>): Promise<RpcAnswer | undefined> {
    if (this.#pruning === undefined) return undefined;
    const [first] = params as [string | { fromBlock?: string }];
    const asked = typeof first === "string" ? first : first?.fromBlock;
    const isOfBlock = method === "eth_getBlockByNumber" || method === "eth_getLogs";
    if (!isOfBlock || asked?.startsWith("0x") !== true) return undefined;
    const [block, head] = await Promise.all([this.#blockOf(asked), this.#blockOf("latest")]);
    if (block === undefined || head === undefined) return undefined;
    const isNew = block.number + NEVER_PRUNED > head.number;
    if (isNew || block.timestamp >= head.timestamp - this.#pruning.seconds) return undefined;
    const { gone } = this.#pruning;
    const isAbsent = "result" in gone();
    return method === "eth_getLogs" && isAbsent ? { error: PRUNED } : gone();
  }

  async #blockOf(block: string): Promise<{ number: number; timestamp: number } | undefined> {
    const answer = await this.#ask({ method: "eth_getBlockByNumber", params: [block, false] });
    const found = "result" in answer ? (answer.result as Record<string, string> | null) : null;
    if (found === null) return undefined;
    return { number: Number(found.number), timestamp: Number(found.timestamp) };
  }

  async #ask(call: Pick<RpcCall, "method" | "params">): Promise<RpcAnswer> {
    const response = await fetch(this.#node, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: call.method, params: call.params }),
    });
    const answer = (await response.json()) as RpcAnswer;
    return "error" in answer ? { error: answer.error } : { result: answer.result };
  }
}

/** Blocks below the head that no node throws away, however old they are. */
const NEVER_PRUNED = 64;
const PRUNED: RpcError = { code: -32_000, message: "history has been pruned" };
const TOO_LONG: RpcError = { code: -32_600, message: "batch of more calls than allowed" };

function isAnswer(fault: RpcFault): fault is RpcAnswer {
  return typeof fault === "object" && !("status" in fault);
}
