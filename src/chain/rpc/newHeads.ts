import * as z from "zod";
import type { Startable } from "../../node/lifecycle.ts";
import type { Logger } from "../../node/logger.ts";
import type { Timers } from "../../node/timers.ts";

/** First and longest pause before a subscription is tried again, milliseconds. */
const PAUSE_MS = { first: 1_000, most: 60_000 };
/** Size limit of a message, characters; a header has less than a thousand. */
const MAX_LENGTH = 64 * 1024;
const SUBSCRIBE = { jsonrpc: "2.0", id: 1, method: "eth_subscribe", params: ["newHeads"] };

const messageSchema = z.union([
  z.object({ method: z.literal("eth_subscription") }),
  z.object({ id: z.literal(1), result: z.string() }),
  z.object({ id: z.literal(1), error: z.object({ message: z.string() }) }),
]);

/**
 * Subscribes to `newHeads` over a WebSocket. A message only triggers a poll: the head itself is read from the RPC
 * endpoints, as without a subscription.
 */
export class NewHeads implements Startable {
  readonly #url: string;
  readonly #timers: { timers: Timers; log: Logger; heard: () => void }["timers"];
  readonly #log: { timers: Timers; log: Logger; heard: () => void }["log"];
  readonly #heard: { timers: Timers; log: Logger; heard: () => void }["heard"];
  readonly #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #failures = 0;

  /** @param dependencies.heard Called for each new block. */
  constructor(
    options: { url: string },
    dependencies: { timers: Timers; log: Logger; heard: () => void },
  ) {
    this.#url = options.url;
    this.#timers = dependencies.timers;
    this.#log = dependencies.log;
    this.#heard = dependencies.heard;
  }

  start(): Promise<void> {
    this.#loop = this.#run();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const timers = this.#timers;
    const log = this.#log;
    while (!signal.aborted) {
      const why = await this.#follow();
      if (signal.aborted) return;
      const pause = Math.min(PAUSE_MS.first * 2 ** this.#failures, PAUSE_MS.most);
      const level = this.#failures === 0 ? "warn" : "debug";
      this.#failures += 1;
      // Only the reason is logged, because the URL may contain a key.
      log[level]("no subscription to new blocks, polling instead", { why });
      await timers.sleep(pause, signal).catch(() => undefined);
    }
  }

  /** Runs until the connection ends, and returns the reason. */
  #follow(): Promise<string> {
    return new Promise((resolve) => {
      const socket = new WebSocket(this.#url);
      const end = (why: string) => {
        this.#stopping.signal.removeEventListener("abort", abort);
        socket.close();
        resolve(why);
      };
      const abort = () => {
        end("stopped");
      };
      this.#stopping.signal.addEventListener("abort", abort, { once: true });
      socket.addEventListener("open", () => {
        socket.send(JSON.stringify(SUBSCRIBE));
      });
      socket.addEventListener("message", ({ data }) => {
        const fault = this.#take(data);
        if (fault !== undefined) end(fault);
      });
      socket.addEventListener("error", () => {
        end("the connection failed");
      });
      socket.addEventListener("close", () => {
        end("the connection was closed");
      });
    });
  }

  /** The fault of a message. */
  #take(data: unknown): string | undefined {
    if (typeof data !== "string" || data.length > MAX_LENGTH)
      return "a message that is no JSON-RPC";
    let json: unknown;
    try {
      json = JSON.parse(data);
    } catch {
      return "a message that is no JSON";
    }
    const parsed = messageSchema.safeParse(json);
    if (!parsed.success) return "a message that is no JSON-RPC";
    if ("error" in parsed.data) return `refused: ${parsed.data.error.message.slice(0, 200)}`;
    this.#failures = 0;
    if ("method" in parsed.data) this.#heard();
    return undefined;
  }
}
