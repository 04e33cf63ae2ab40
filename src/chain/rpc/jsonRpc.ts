import * as z from "zod";
import { EndpointFault, errorOf, type NodeError } from "./faults.ts";
import { BatchSize, isAboutBatch, isRateLimit, retryAfterMs } from "./limits.ts";

/** Size limit of an answer, bytes; workers' requests get much smaller answers. */
const MAX_BYTES = 32 * 1024 * 1024;
/** Maximum number of requests in a batch. */
const MAX_BATCH = 50;

const errorSchema = z.object({
  code: z.number(),
  message: z.string(),
  data: z.unknown().optional(),
});
/** Some nodes return the ID as text, or no ID with an error, or `"error": null` beside a result. */
const answerSchema = z.object({
  id: z
    .union([z.number().int(), z.string().regex(/^\d{1,9}$/)])
    .transform(Number)
    .nullish(),
  result: z.unknown().optional(),
  error: errorSchema.nullish(),
});
type JsonRpcAnswer = z.infer<typeof answerSchema>;

interface Waiting {
  method: string;
  params: unknown;
  resolve: (result: unknown) => void;
  reject: (error: Error) => void;
}

/** The outcome of a batch: answers by their index, or the node's refusal of the whole batch. */
type Reply = { answers: ReadonlyMap<number, JsonRpcAnswer> } | { refusal: NodeError };

/**
 * JSON-RPC 2.0 over HTTP with one endpoint. Requests made at the same moment are sent as a batch, up to the
 * endpoint's limit. Answers are bounded in size and time; redirects are refused.
 */
export class JsonRpc {
  readonly #url: string;
  readonly #headers: Record<string, string> = { "content-type": "application/json" };
  readonly #timeoutMs: number;
  readonly #batch = new BatchSize(MAX_BATCH);
  #waiting: Waiting[] = [];

  constructor(options: { url: string; timeoutMs: number }) {
    const url = new URL(options.url);
    if (url.username + url.password !== "") {
      const pair = [url.username, url.password].map(decoded).join(":");
      this.#headers.authorization = `Basic ${Buffer.from(pair).toString("base64")}`;
      url.username = url.password = "";
    }
    this.#url = url.href;
    this.#timeoutMs = options.timeoutMs;
  }

  /**
   * @throws RevertError if the call reverts, AnswerError if the node answers with another error,
   * EndpointFault if it does not answer.
   */
  request(method: string, params: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ method, params, resolve, reject });
      if (this.#waiting.length === 1) setImmediate(() => void this.#flush());
    });
  }

  async #flush(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    await this.#sendAll(waiting);
  }

  async #sendAll(waiting: readonly Waiting[]): Promise<void> {
    // Logs have any size: several in a batch could be more than an answer may be.
    const [logs, rest] = [true, false].map((isLogs) =>
      waiting.filter(({ method }) => (method === "eth_getLogs") === isLogs),
    ) as [Waiting[], Waiting[]];
    const batches = logs.map((each) => this.#send([each]));
    while (rest.length > 0) batches.push(this.#send(rest.splice(0, this.#batch.size)));
    await Promise.all(batches);
  }

  async #send(batch: readonly Waiting[]): Promise<void> {
    const calls = batch.map(({ method, params }, id) => ({ jsonrpc: "2.0", id, method, params }));
    try {
      const body = calls.length === 1 ? calls[0] : calls;
      const reply = readReply(await this.#post(JSON.stringify(body), batch.length), batch.length);
      if ("refusal" in reply) await this.#sendSmaller(batch, reply.refusal);
      else await this.#settle(batch, reply.answers);
    } catch (error) {
      // Requests that were sent again are settled already, so this does not affect them.
      for (const { reject } of batch) reject(error as Error);
    }
  }

  /** The node refused the batch: the requests are sent again in smaller batches, finally alone. */
  async #sendSmaller(batch: readonly Waiting[], refusal: NodeError): Promise<void> {
    if (batch.length === 1) throw errorOf(refusal);
    if (isRateLimit(refusal) && !isAboutBatch(refusal)) throw tooOften(refusal.code);
    this.#batch.refused(batch.length);
    await this.#sendAll(batch);
  }

  async #settle(
    batch: readonly Waiting[],
    answers: ReadonlyMap<number, JsonRpcAnswer>,
  ): Promise<void> {
    const isAlone = batch.length === 1;
    const unanswered: Waiting[] = [];
    batch.forEach((waiting, id) => {
      const answer = answers.get(id);
      const error = answer?.error ?? undefined;
      const isLeftOut = answer === undefined || (error !== undefined && isAboutBatch(error));
      if (isLeftOut && !isAlone) unanswered.push(waiting);
      else if (answer === undefined) waiting.reject(missing());
      else if (error === undefined) waiting.resolve(answer.result);
      else waiting.reject(isRateLimit(error) ? tooOften(error.code) : errorOf(error));
    });
    if (unanswered.length === 0) {
      this.#batch.took(batch.length);
      return;
    }
    this.#batch.refused(batch.length, batch.length - unanswered.length);
    await this.#sendAll(unanswered);
  }

  async #post(body: string, length: number): Promise<unknown> {
    const signal = AbortSignal.timeout(this.#timeoutMs);
    try {
      const response = await fetch(this.#url, {
        method: "POST",
        headers: this.#headers,
        body,
        signal,
        redirect: "error",
      });
      const json = parse(await readBounded(response));
      const { status } = response;
      const isRefusal = status === 429 || status === 503;
      if (isRefusal && !(length > 1 && saysBatch(json))) {
        const pause = retryAfterMs(response.headers);
        const kind = status === 429 ? "limit" : "http";
        throw new EndpointFault(kind, `It responds with status ${status}.`, pause);
      }
      // The batch is too long for a proxy in front of the node.
      if (length > 1 && status === 413) return { error: { code: 413, message: "batch too long" } };
      // Nodes also return JSON-RPC errors with other statuses than 200; proxies return pages.
      if (json !== undefined && (response.ok || isJsonRpc(json))) return json;
      if (!response.ok) throw new EndpointFault("http", `It responds with status ${status}.`);
      throw new EndpointFault("malformed", "Its response is not JSON.");
    } catch (error) {
      if (error instanceof EndpointFault) throw error;
      if (signal.aborted) {
        throw new EndpointFault("timeout", `It did not answer within ${this.#timeoutMs} ms.`);
      }
      // The error's message is omitted, because it may contain the URL.
      throw new EndpointFault("network", `It cannot be reached (${codeOf(error)}).`);
    }
  }
}

/** A single error object, or a list of one error without an ID, refuses a whole batch. */
function readReply(body: unknown, length: number): Reply {
  const parsed = z.array(answerSchema).safeParse(Array.isArray(body) ? body : [body]);
  if (!parsed.success) {
    throw new EndpointFault("malformed", "Its response is not JSON-RPC.");
  }
  const [first] = parsed.data;
  if (length === 1) {
    // It can only be the answer to this request.
    const isAnswer = parsed.data.length === 1 && (first?.id === 0 || first?.id == null);
    return { answers: new Map(isAnswer && first !== undefined ? [[0, first]] : []) };
  }
  if (parsed.data.length === 1 && first?.error != null && first.id == null) {
    return { refusal: first.error };
  }
  const answers = parsed.data.flatMap((each) =>
    each.id == null ? [] : [[each.id, each] as const],
  );
  return { answers: new Map(answers) };
}

function isJsonRpc(json: unknown): boolean {
  const [first] = Array.isArray(json) ? (json as unknown[]) : [json];
  return answerSchema.safeParse(first).data?.error != null;
}

function saysBatch(json: unknown): boolean {
  const error = answerSchema.safeParse(json).data?.error;
  return error != null && isAboutBatch(error);
}

function tooOften(code: number): EndpointFault {
  return new EndpointFault("limit", `Its rate limit is exceeded (${code}).`);
}

function missing(): EndpointFault {
  return new EndpointFault("malformed", "An answer is missing.");
}

/** Decodes the text; returns it unchanged if a percent sign encodes nothing. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The status decides what this means.
    return undefined;
  }
}

async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const body = response.body as AsyncIterable<Uint8Array> | null;
  for await (const chunk of body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_BYTES)
      throw new EndpointFault("malformed", `Its response has more than ${MAX_BYTES} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function codeOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const code: unknown = cause instanceof Error && "code" in cause ? cause.code : undefined;
  return typeof code === "string" ? code : "connection failed";
}
