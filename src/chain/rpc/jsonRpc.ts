import { z } from "zod";
import { AnswerError, EndpointFault } from "./faults.ts";

/** Most of an answer that is read, bytes: far above the largest answer to a request of ours. */
const MAX_BYTES = 32 * 1024 * 1024;
/** Requests that travel in one batch. */
const MAX_BATCH = 50;
/** JSON-RPC codes with which endpoints say that they are asked too often. */
const LIMIT_CODES: readonly number[] = [-32005, 429];

const errorSchema = z.object({
  code: z.number(),
  message: z.string(),
  data: z.unknown().optional(),
});
const answerSchema = z.object({
  id: z.number().int(),
  result: z.unknown().optional(),
  error: errorSchema.optional(),
});
/** A node refuses a whole batch with one error without an ID. */
const refusalSchema = z.object({ error: errorSchema });

interface Waiting {
  method: string;
  params: unknown;
  resolve: (result: unknown) => void;
  reject: (error: Error) => void;
}

/**
 * JSON-RPC 2.0 over HTTP with one endpoint. Requests made in the same moment travel together; answers are
 * bounded in size and time, and redirects are refused.
 */
export class JsonRpc {
  readonly #url: string;
  readonly #headers: Record<string, string> = { "content-type": "application/json" };
  readonly #timeoutMs: number;
  #waiting: Waiting[] = [];

  constructor(options: { url: string; timeoutMs: number }) {
    const url = new URL(options.url);
    if (url.username + url.password !== "") {
      const pair = [url.username, url.password].map(decodeURIComponent).join(":");
      this.#headers.authorization = `Basic ${Buffer.from(pair).toString("base64")}`;
      url.username = url.password = "";
    }
    this.#url = url.href;
    this.#timeoutMs = options.timeoutMs;
  }

  /**
   * @throws AnswerError when the node answers with an error, EndpointFault when it does not answer.
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
    const batches = [];
    while (waiting.length > 0) batches.push(this.#send(waiting.splice(0, MAX_BATCH)));
    await Promise.all(batches);
  }

  async #send(batch: readonly Waiting[]): Promise<void> {
    const calls = batch.map(({ method, params }, id) => ({ jsonrpc: "2.0", id, method, params }));
    try {
      const body = await this.#post(JSON.stringify(calls.length === 1 ? calls[0] : calls));
      const answers = read(body);
      batch.forEach(({ resolve, reject }, id) => {
        const answer = answers.get(id);
        if (answer === undefined) reject(new EndpointFault("malformed", "An answer is missing."));
        else if (answer.error === undefined) resolve(answer.result);
        else reject(errorOf(answer.error));
      });
    } catch (error) {
      for (const { reject } of batch) reject(error as Error);
    }
  }

  async #post(body: string): Promise<unknown> {
    const signal = AbortSignal.timeout(this.#timeoutMs);
    try {
      const response = await fetch(this.#url, {
        method: "POST",
        headers: this.#headers,
        body,
        signal,
        redirect: "error",
      });
      const text = await readBounded(response);
      // Nodes give JSON-RPC errors with statuses other than 200, too; proxies give pages.
      const json = parse(text);
      if (json !== undefined && (response.ok || refusalSchema.safeParse(json).success)) return json;
      if (response.status === 429) throw new EndpointFault("limit", "It is asked too often (429).");
      if (!response.ok)
        throw new EndpointFault("http", `It answers with status ${response.status}.`);
      throw new EndpointFault("malformed", "It answers with something that is no JSON.");
    } catch (error) {
      if (error instanceof EndpointFault) throw error;
      if (signal.aborted) {
        throw new EndpointFault("timeout", `It did not answer within ${this.#timeoutMs} ms.`);
      }
      // Not the error's text: it may name the URL.
      throw new EndpointFault("network", `It cannot be reached (${codeOf(error)}).`);
    }
  }
}

function errorOf(error: z.infer<typeof errorSchema>): Error {
  if (!LIMIT_CODES.includes(error.code)) return new AnswerError(error);
  return new EndpointFault("limit", `It is asked too often (${error.code}).`);
}

function read(body: unknown): Map<number, z.infer<typeof answerSchema>> {
  const parsed = z.array(answerSchema).safeParse(Array.isArray(body) ? body : [body]);
  if (parsed.success) return new Map(parsed.data.map((answer) => [answer.id, answer]));
  const refusal = refusalSchema.safeParse(body);
  if (refusal.success) throw errorOf(refusal.data.error);
  throw new EndpointFault("malformed", "It answers with something that is no JSON-RPC.");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What that means depends on the status.
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
      throw new EndpointFault("malformed", `Its answer is over ${MAX_BYTES} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function codeOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const code: unknown = cause instanceof Error && "code" in cause ? cause.code : undefined;
  return typeof code === "string" ? code : "connection failed";
}
