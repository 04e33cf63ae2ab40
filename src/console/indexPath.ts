import * as z from "zod";
import type { HttpRequest, HttpResponse } from "../node/http/httpServer.ts";
import { ConsoleProblem } from "./problem.ts";
import { parsed } from "./rpcPath.ts";
import { postJson, type Fetch } from "./upstream.ts";

const MAX_BODY = 64 * 1024;
const MAX_ANSWER = 16 * 1024 * 1024;
const TIME_MS = 15_000;

const body = z.object({
  query: z.string().max(16_384),
  variables: z.record(z.string(), z.unknown()).optional(),
});

/**
 * Passes a query on to the index's GraphQL, which only reads.
 *
 * @throws ConsoleProblem `BODY_TOO_LARGE`, `REQUEST_INVALID`, `UPSTREAM_FAILED`, `UPSTREAM_TOO_LARGE`.
 */
export async function passQuery(
  url: string,
  request: HttpRequest,
  fetch: Fetch,
): Promise<HttpResponse> {
  const bytes = await request.body(MAX_BODY);
  if (bytes === undefined) throw new ConsoleProblem("BODY_TOO_LARGE", "The query is too long.");
  const { success, data } = body.safeParse(parsed(bytes));
  if (!success) throw new ConsoleProblem("REQUEST_INVALID", "Give a query of GraphQL.");
  const limits = { maxBytes: MAX_ANSWER, timeMs: TIME_MS };
  const answer = await postJson(fetch, url, JSON.stringify(data), limits, request.signal);
  return {
    status: 200,
    headers: { "content-type": "application/json", "cache-control": "no-store" },
    body: answer,
  };
}
