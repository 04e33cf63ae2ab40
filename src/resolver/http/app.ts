import type { HttpRequest, Refusal } from "../../node/http/httpServer.ts";
import type { AnyResponse, HttpResponse } from "../../node/http/response.ts";
import type { Logger } from "../../node/logger.ts";
import type { Metrics } from "../../node/metrics.ts";
import { healthResponse } from "../../node/metricsServer.ts";
import type { Timers } from "../../node/timers.ts";
import type { Answer } from "../answer.ts";
import type { BoundedLookup } from "../lookup/boundedLookup.ts";
import type { HttpObserver } from "./observer.ts";
import { openApi } from "./openApi.ts";
import { asProblem, HttpProblem } from "./problem.ts";
import { COMMON_HEADERS, isKnown, represent } from "./representation.ts";
import { allowedMethods, findRoute, type Route } from "./routes.ts";
import {
  batchSchema,
  isName,
  MAX_BODY_BYTES,
  MAX_WATCHED,
  nameSchema,
  pathSchema,
} from "./schemas.ts";
import type { Watches } from "./watches.ts";

/** The client of a request. */
export interface Peer {
  /** The address to which rates and bounds apply; a /64 of IPv6 counts as one. */
  address: string;
  /** Whether the client is on this host, and no proxy stands between. */
  isLocal: boolean;
}

export interface AppDependencies {
  lookup: BoundedLookup;
  watches: Watches;
  metrics: Pick<Metrics, "expose" | "health">;
  observer: HttpObserver;
  /** Takes `cost` tokens of a request's client; returns the milliseconds to wait if there are too few. */
  take(request: HttpRequest, cost: number): number;
  /** The chain's time, Unix milliseconds. */
  now(): number;
  timers: Timers;
  log: Logger;
  peerOf(request: HttpRequest): Peer;
}

/** The HTTP front as functions from request to response. */
export interface App {
  readonly routes: readonly Route[];
  /** Fields of every response; those of `handle`, `refuse` and `failed` come on top. */
  readonly headers: Readonly<Record<string, string>>;
  handle(request: HttpRequest): AnyResponse | Promise<AnyResponse>;
  refuse(reason: Refusal): HttpResponse;
  failed(error: unknown): HttpResponse;
}

/** Longest time that clients may cache an answer, seconds: how long they may miss a move. */
const MAX_AGE_SECONDS = 30;
/** The values of Cache-Control, by the seconds. */
const CACHE_CONTROL = Array.from(
  { length: MAX_AGE_SECONDS + 1 },
  (_, seconds) => `public, max-age=${seconds}`,
);
/** Concurrent lookups of a batch. */
const AT_A_TIME = 16;

/** The status under which requests are counted whose client has left, as nginx logs them. */
const CLIENT_GONE = 499;

/** Creates the HTTP front without a server. */
export function createApp(d: AppDependencies): App {
  const pay = (request: HttpRequest, cost: number) => {
    const retryAfterMs = d.take(request, cost);
    if (retryAfterMs > 0) throw new HttpProblem("RATE_EXCEEDED", { retryAfterMs });
  };

  const resolve = (request: HttpRequest, param: string) => {
    pay(request, 1);
    const name = isName(param) ? param : parsed(nameSchema, param);
    const hops = hopsOf(request);
    const known = request.headers["if-none-match"];
    const answer = d.lookup.answer(name, request, hops);
    if (!(answer instanceof Promise)) return answered(answer, known);
    return answer.then((found) => answered(found, known));
  };
  const answered = (answer: Answer, known: string | undefined): AnyResponse => {
    const representation = represent(answer);
    const seconds = Math.floor((answer.expiresAt - d.now()) / 1000);
    const age = Math.max(0, Math.min(MAX_AGE_SECONDS, seconds));
    const cacheControl = CACHE_CONTROL[age] ?? "no-store";
    if (!isKnown(known, representation.etag)) return representation.response(cacheControl);
    return { status: 304, headers: { etag: representation.etag, "cache-control": cacheControl } };
  };

  const resolveAll = async (request: HttpRequest): Promise<HttpResponse> => {
    const { names } = parsed(batchSchema, await json(request));
    pay(request, names.length);
    const hops = hopsOf(request);
    const results: string[] = [];
    for (let at = 0; at < names.length; at += AT_A_TIME) {
      const some = names.slice(at, at + AT_A_TIME);
      results.push(...(await Promise.all(some.map((name) => item(name, request, hops)))));
    }
    return {
      status: 200,
      headers: { "content-type": "application/json", "cache-control": "no-store" },
      body: `{"results":[${results.join(",")}]}`,
    };
  };
  const item = async (name: string, request: HttpRequest, hops: readonly string[]) => {
    const prefix = `{"name":${JSON.stringify(name)}`;
    try {
      const answer: Answer = await d.lookup.answer(name, request, hops);
      return `${prefix},"answer":${represent(answer).text}}`;
    } catch (error) {
      if (request.signal.aborted) throw error;
      return `${prefix},"problem":${JSON.stringify(told(error).json)}}`;
    }
  };

  const watch = (request: HttpRequest): HttpResponse => {
    const names = new URLSearchParams(request.query).getAll("name");
    for (const name of names) parsed(nameSchema, name);
    if (names.length === 0 || names.length > MAX_WATCHED) {
      const detail = `Give name= once to ${MAX_WATCHED} times.`;
      throw new HttpProblem("REQUEST_INVALID", { detail });
    }
    pay(request, names.length);
    const headers = {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      // Proxies that buffer responses would delay events.
      "x-accel-buffering": "no",
    };
    // The response has no body, so a watch would have no client.
    if (request.method === "HEAD") return { status: 200, headers };
    const cut = () => {
      request.cut();
    };
    return { status: 200, headers, body: d.watches.open(names, d.peerOf(request).address, cut) };
  };

  const describe = (request: HttpRequest): HttpResponse => {
    pay(request, 1);
    const headers = { "content-type": "application/json", "cache-control": "public, max-age=3600" };
    return { status: 200, headers, body: JSON.stringify(openApi) };
  };

  const expose = async (request: HttpRequest): Promise<HttpResponse> => {
    if (!d.peerOf(request).isLocal) throw new HttpProblem("METRICS_REMOTE");
    const { text, contentType } = await d.metrics.expose();
    return { status: 200, headers: { "content-type": contentType }, body: text };
  };

  const routes: readonly Route[] = [
    { method: "GET", path: "/v1/resolve/:name", run: resolve },
    { method: "POST", path: "/v1/resolve", run: resolveAll },
    { method: "GET", path: "/v1/watch", run: watch },
    { method: "GET", path: "/openapi.json", run: describe },
    { method: "GET", path: "/healthz", run: () => healthResponse(d.metrics) },
    { method: "GET", path: "/metrics", run: expose },
  ];

  /** The problem that the client gets; details that it must not get go to the log. */
  const told = (error: unknown): HttpProblem => {
    const problem = asProblem(error);
    if (problem.code === "RESOLVER_FAILED") d.log.error("a request failed", { error });
    return problem;
  };
  const finish = <R extends AnyResponse>(response: R, begun: number): R => {
    d.observer.answered(response.status, (d.timers.monotonic() - begun) / 1000);
    return response;
  };
  const failed = (error: unknown, begun = d.timers.monotonic()) =>
    finish(told(error).response, begun);
  /** As `failed`, for a request whose client may have left: then nothing has failed and no response is read. */
  const gaveUp = (request: HttpRequest, error: unknown, begun: number): HttpResponse =>
    request.signal.aborted
      ? finish({ status: CLIENT_GONE, headers: {} }, begun)
      : failed(error, begun);

  return {
    routes,
    headers: COMMON_HEADERS,
    handle(request) {
      const begun = d.timers.monotonic();
      try {
        if (request.method === "OPTIONS") {
          return finish(preflight(request), begun);
        }
        const found = findRoute(routes, request);
        if (found === undefined) throw notServed(routes, request.path);
        const response = found.route.run(request, found.param);
        if (!(response instanceof Promise)) return finish(response, begun);
        return response.then(
          (later) => finish(later, begun),
          (error: unknown) => gaveUp(request, error, begun),
        );
      } catch (error) {
        return gaveUp(request, error, begun);
      }
    },
    refuse: (reason) => failed(refusals[reason]()),
    failed,
  };
}

function notServed(routes: readonly Route[], path: string): HttpProblem {
  const allow = allowedMethods(routes, path);
  return allow === undefined
    ? new HttpProblem("PATH_UNKNOWN")
    : new HttpProblem("METHOD_REFUSED", { allow });
}

/** Permits a page to send a request of any kind that there is. */
function preflight({ headers }: HttpRequest): HttpResponse {
  return {
    status: 204,
    headers: {
      "access-control-allow-methods": "GET,POST",
      "access-control-allow-headers": headers["access-control-request-headers"] ?? "Content-Type",
      "access-control-max-age": "86400",
      vary: "Access-Control-Request-Headers",
    },
  };
}

const refusals: Record<Refusal, () => HttpProblem> = {
  target: () => new HttpProblem("PATH_UNKNOWN"),
  host: () =>
    new HttpProblem("REQUEST_INVALID", { detail: "Give one Host: a name, or an address." }),
  coding: () => new HttpProblem("TRANSFER_CODING_REFUSED"),
};

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

function hopsOf({ headers }: HttpRequest): readonly string[] {
  const path = headers["resolver-path"];
  return path === undefined ? NO_HOPS : parsed(pathSchema, path);
}
const NO_HOPS: readonly string[] = [];

async function json(request: HttpRequest): Promise<unknown> {
  const body = await request.body(MAX_BODY_BYTES);
  if (body === undefined) throw new HttpProblem("BODY_TOO_LARGE");
  try {
    return JSON.parse(body.toString()) as unknown;
  } catch (cause) {
    throw new HttpProblem("REQUEST_INVALID", { detail: "The body is not JSON.", cause });
  }
}
