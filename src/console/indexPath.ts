import * as z from "zod";
import type { HttpRequest } from "../node/http/httpServer.ts";
import type { HttpResponse } from "../node/http/response.ts";
import type { Claim } from "./answerRoom.ts";
import { ConsoleProblem } from "./problem.ts";
import { parsed } from "./rpcPath.ts";
import { askJson, type Fetch } from "./upstream.ts";

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
 * @throws ConsoleProblem `BODY_TOO_LARGE`, `REQUEST_INVALID`, `UPSTREAM_FAILED`, `UPSTREAM_TOO_LARGE`, `CONSOLE_BUSY`.
 */
export async function passQuery(
  url: URL,
  request: HttpRequest,
  fetch: Fetch,
  claim: Claim,
): Promise<HttpResponse> {
  const bytes = await request.body(MAX_BODY);
  if (bytes === undefined) throw new ConsoleProblem("BODY_TOO_LARGE", "The query is too long.");
  const { success, data } = body.safeParse(parsed(bytes));
  if (!success) throw new ConsoleProblem("REQUEST_INVALID", "Give a query of GraphQL.");
  return pass(url, "graphql", JSON.stringify(data), request, fetch, claim);
}

/**
 * What the index says of itself.
 *
 * @throws ConsoleProblem `UPSTREAM_FAILED`, `UPSTREAM_TOO_LARGE`, `CONSOLE_BUSY`.
 */
export function passStatus(
  url: URL,
  request: HttpRequest,
  fetch: Fetch,
  claim: Claim,
): Promise<HttpResponse> {
  return pass(url, "v1/status", undefined, request, fetch, claim);
}

async function pass(
  { href }: URL,
  path: string,
  text: string | undefined,
  { signal }: HttpRequest,
  fetch: Fetch,
  claim: Claim,
): Promise<HttpResponse> {
  const limits = { maxBytes: MAX_ANSWER, timeMs: TIME_MS, claim };
  const url = `${href.replace(/\/$/, "")}/${path}`;
  return {
    status: 200,
    headers: { "content-type": "application/json", "cache-control": "no-store" },
    body: await askJson(fetch, url, text, limits, signal),
  };
}
