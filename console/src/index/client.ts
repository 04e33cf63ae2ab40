import * as z from "zod";
import { boundedText } from "../bounded.ts";
import { PageError } from "../failure.ts";

/** Longest answer that is read, bytes. */
const MAX_ANSWER = 8_000_000;
/** How long a query may take, milliseconds. */
const TIMEOUT_MS = 10_000;

const answerSchema = z.object({
  data: z.unknown().optional(),
  errors: z.array(z.object({ message: z.string().max(2_000) })).optional(),
});

/** What the index says of itself: docs/indexer.md. */
const statusSchema = z.object({
  state: z.string().max(40),
  indexed: z.object({ block: z.number().int(), time: z.number().int() }).nullish(),
  deployment: z.object({ chainId: z.number().int(), genesis: z.number().int() }),
});

/** The deployment that an index must be of. */
type IndexedDeployment = Readonly<{ chainId: number; genesis: number }>;

/** How far the index has read. */
export interface IndexProgress {
  block: bigint;
  /** Unix seconds of the block. */
  timestamp: number;
}

/**
 * The index's GraphQL server. It serves history faster than the chain, and is not trusted with more than that: each
 * answer is parsed by a schema, and what it says is shown with its age.
 */
export class IndexClient {
  readonly #url: string;
  readonly #deployment: IndexedDeployment;

  /** @param url Where the index's paths begin. */
  constructor(url: string, deployment: IndexedDeployment) {
    this.#url = url;
    this.#deployment = deployment;
  }

  /** @throws PageError `INDEX_AWAY`, `INDEX_SLOW`, `INDEX_WRONG`. */
  async query<T>(
    text: string,
    variables: Readonly<Record<string, unknown>>,
    schema: z.ZodType<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const answer = answerSchema.safeParse(
      await this.#ask(
        "graphql",
        {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ query: text, variables }),
        },
        signal,
      ),
    );
    if (!answer.success) throw wrong(z.prettifyError(answer.error));
    const [error] = answer.data.errors ?? [];
    if (error !== undefined) throw wrong(error.message.slice(0, 200));
    const parsed = schema.safeParse(answer.data.data);
    if (!parsed.success) throw wrong(z.prettifyError(parsed.error));
    return parsed.data;
  }

  /** The newest block that the index has read; undefined before the first. */
  async progress(signal?: AbortSignal): Promise<IndexProgress | undefined> {
    const parsed = statusSchema.safeParse(await this.#ask("v1/status", {}, signal));
    if (!parsed.success) throw wrong(z.prettifyError(parsed.error));
    const { deployment, indexed } = parsed.data;
    const { chainId, genesis } = this.#deployment;
    if (deployment.chainId !== chainId || deployment.genesis !== genesis) {
      throw wrong("it is of another deployment");
    }
    if (indexed === null || indexed === undefined) return undefined;
    return { block: BigInt(indexed.block), timestamp: indexed.time };
  }

  async #ask(path: string, init: RequestInit, signal: AbortSignal | undefined): Promise<unknown> {
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    try {
      const response = await fetch(`${this.#url}/${path}`, {
        ...init,
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      });
      if (!response.ok) {
        throw new PageError("INDEX_AWAY", `The index answered with status ${response.status}.`);
      }
      return JSON.parse(await boundedText(response, MAX_ANSWER, () => wrong("it is too long")));
    } catch (cause) {
      if (cause instanceof PageError) throw cause;
      if (timeout.aborted) {
        throw new PageError(
          "INDEX_SLOW",
          `The index did not answer within ${TIMEOUT_MS / 1000} s.`,
          {
            cause,
          },
        );
      }
      if (cause instanceof SyntaxError) throw wrong("it is not JSON");
      throw new PageError("INDEX_AWAY", "The index cannot be reached.", { cause });
    }
  }
}

function wrong(why: string): PageError {
  return new PageError("INDEX_WRONG", `The index's answer is not what this page expects: ${why}`, {
    remedy: "The index may be of another version; the page reads the chain instead.",
  });
}
