import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { cors } from "hono/cors";
import type { Logger } from "../../node/logger.ts";
import type { Metrics } from "../../node/metrics.ts";
import type { Timers } from "../../node/timers.ts";
import type { Answer } from "../answer.ts";
import type { BoundedLookup } from "../lookup/boundedLookup.ts";
import type { HttpObserver } from "./observer.ts";
import { openApi } from "./openApi.ts";
import { asProblem, HttpProblem } from "./problem.ts";
import { isKnown, represent } from "./representation.ts";
import { batchSchema, MAX_BODY_BYTES, MAX_WATCHED, nameSchema, pathSchema } from "./schemas.ts";
import type { Watches } from "./watches.ts";

/** The client, as far as the connection identifies it. */
export interface Peer {
  /** The unit to which rates and bounds apply: an address, or a /64 of IPv6. */
  network: string;
  isLoopback: boolean;
  /** Ends the connection at once. */
  cut(): void;
}

export interface AppDependencies {
  lookup: BoundedLookup;
  watches: Watches;
  metrics: Pick<Metrics, "expose" | "health">;
  observer: HttpObserver;
  /** Takes `cost` tokens; returns the milliseconds to wait if there are too few. */
  take(network: string, cost: number): number;
  /** The chain's time, Unix milliseconds. */
  now(): number;
  timers: Timers;
  log: Logger;
  peerOf(context: Context): Peer;
}

/** Longest time that clients may cache an answer, seconds: how long they may miss a move. */
const MAX_AGE_SECONDS = 30;
/** Concurrent lookups of a batch. */
const AT_A_TIME = 16;

/** The HTTP front as a function from request to response. */
export function createApp(d: AppDependencies): Hono {
  const app = new Hono();
  const pay = (context: Context, cost: number) => {
    const retryAfterMs = d.take(d.peerOf(context).network, cost);
    if (retryAfterMs > 0) throw new HttpProblem("RATE_EXCEEDED", { retryAfterMs });
  };

  app.use(async (context, next) => {
    const begun = d.timers.monotonic();
    await next();
    context.res.headers.set("x-content-type-options", "nosniff");
    d.observer.answered(context.res.status, (d.timers.monotonic() - begun) / 1000);
  });
  // Pages of any origin may send requests: there are no cookies, and all answers are public.
  app.use(
    cors({ origin: "*", allowMethods: ["GET", "POST"], exposeHeaders: ["ETag"], maxAge: 86_400 }),
  );

  app.get("/v1/resolve/:name", async (context) => {
    pay(context, 1);
    const name = parsed(nameSchema, context.req.param("name"));
    const hops = parsed(pathSchema, context.req.header("resolver-path") ?? "");
    const answer = await d.lookup.answer(name, context.req.raw.signal, hops);
    const { text, etag } = represent(answer);
    const seconds = Math.floor((answer.expiresAt - d.now()) / 1000);
    const headers = {
      etag,
      "cache-control": `public, max-age=${Math.max(0, Math.min(MAX_AGE_SECONDS, seconds))}`,
    };
    if (isKnown(context.req.header("if-none-match"), etag)) return context.body(null, 304, headers);
    return context.body(text, 200, { ...headers, "content-type": "application/json" });
  });

  const bounded = bodyLimit({
    maxSize: MAX_BODY_BYTES,
    onError: () => new HttpProblem("BODY_TOO_LARGE").response,
  });
  app.post("/v1/resolve", bounded, async (context) => {
    const { names } = parsed(batchSchema, await json(context));
    pay(context, names.length);
    const hops = parsed(pathSchema, context.req.header("resolver-path") ?? "");
    const { signal } = context.req.raw;
    const results: string[] = [];
    for (let at = 0; at < names.length; at += AT_A_TIME) {
      const some = names.slice(at, at + AT_A_TIME);
      results.push(...(await Promise.all(some.map((name) => item(name, signal, hops)))));
    }
    const body = `{"results":[${results.join(",")}]}`;
    return context.body(body, 200, {
      "content-type": "application/json",
      "cache-control": "no-store",
    });
  });
  const item = async (name: string, signal: AbortSignal, hops: readonly string[]) => {
    const prefix = `{"name":${JSON.stringify(name)}`;
    try {
      const answer: Answer = await d.lookup.answer(name, signal, hops);
      return `${prefix},"answer":${represent(answer).text}}`;
    } catch (error) {
      if (signal.aborted) throw error;
      return `${prefix},"problem":${JSON.stringify(told(error).json)}}`;
    }
  };

  app.get("/v1/watch", (context) => {
    const names = (context.req.queries("name") ?? []).map((name) => parsed(nameSchema, name));
    if (names.length === 0 || names.length > MAX_WATCHED) {
      const detail = `Give name= once to ${MAX_WATCHED} times.`;
      throw new HttpProblem("REQUEST_INVALID", { detail });
    }
    pay(context, names.length);
    const { network, cut } = d.peerOf(context);
    return context.body(d.watches.open(names, network, cut), 200, {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      // Proxies that buffer responses would delay events.
      "x-accel-buffering": "no",
    });
  });

  app.get("/openapi.json", (context) => {
    pay(context, 1);
    return context.json(openApi, 200, { "cache-control": "public, max-age=3600" });
  });

  app.get("/healthz", (context) => {
    const report = d.metrics.health.report();
    return context.json(report, report.ok ? 200 : 503, { "cache-control": "no-store" });
  });

  app.get("/metrics", async (context) => {
    if (!d.peerOf(context).isLoopback) throw new HttpProblem("METRICS_REMOTE");
    const { text, contentType } = await d.metrics.expose();
    return context.body(text, 200, { "content-type": contentType });
  });

  app.notFound(() => new HttpProblem("PATH_UNKNOWN").response);
  app.onError((error) => told(error).response);

  /** The problem that the client gets; details that it must not get go to the log. */
  const told = (error: unknown): HttpProblem => {
    const problem = asProblem(error);
    if (problem.code === "RESOLVER_FAILED") d.log.error("a request failed", { error });
    return problem;
  };
  return app;
}

interface Schema<T> {
  safeParse(value: unknown): {
    data?: T;
    error?: { issues: readonly { message: string; path: readonly PropertyKey[] }[] } | undefined;
  };
}

function parsed<T>(schema: Schema<T>, value: unknown): T {
  const { data, error } = schema.safeParse(value);
  if (error === undefined) return data as T;
  const [issue] = error.issues;
  const where = issue?.path.map(String).join(".") ?? "";
  throw new HttpProblem("REQUEST_INVALID", { detail: `${where} ${issue?.message ?? ""}`.trim() });
}

async function json(context: Context): Promise<unknown> {
  try {
    return await context.req.json();
  } catch (cause) {
    throw new HttpProblem("REQUEST_INVALID", { detail: "The body is not JSON.", cause });
  }
}
