import type { Client } from "../client/client.ts";
import { ReceiptError } from "../client/errors.ts";
import type { HttpRequest } from "../node/http/httpServer.ts";
import type { HttpResponse } from "../node/http/response.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { encodeReceipt, isNonce } from "../protocol/receipt.ts";
import { PAYMENT_HEADER } from "../protocol/x402.ts";
import { answerToJson, changeToJson } from "../resolver/answerSchema.ts";
import type { PathLog } from "./pathLog.ts";
import { ConsoleProblem, json } from "./problem.ts";

/** Bounds of a call for the page. */
const MAX_REQUEST = 64 * 1024;
const MAX_RESPONSE = 1024 * 1024;
const CALL_MS = 20_000;
const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST"]);
/** Fields of a request that the page may set. */
const PASSED = ["accept", "content-type", PAYMENT_HEADER] as const;

/** A service in a path: an ID, or a name below bloc.alt. */
const ID = /^0x[0-9a-f]{64}$/;
const NAME = /^(?:0x[0-9a-f]{64}|[a-z0-9.-]{1,253}\.bloc\.alt)$/i;

/**
 * `/call/<service>/<path>`: calls a service as any client does, by the client's own rules of what may be dialled. The
 * answer is JSON, whatever the service sent: nothing of a stranger becomes a document of the page's origin.
 *
 * The page gives the nonce in `Service-Nonce`, and checks the receipt itself. `proof` says only what this path found.
 *
 * @throws ConsoleProblem `METHOD_REFUSED`, `REQUEST_INVALID`, `BODY_TOO_LARGE`, `CALL_FAILED`.
 */
export async function callService(client: Client, request: HttpRequest): Promise<HttpResponse> {
  const { method, path, query, headers } = request;
  if (!METHODS.has(method)) {
    throw new ConsoleProblem("METHOD_REFUSED", "A service is called with GET, HEAD or POST.", {
      fields: { allow: [...METHODS].join(", ") },
    });
  }
  const [, name = "", rest = "/"] = /^\/call\/([^/]+)(\/.*)?$/.exec(path) ?? [];
  const nonce = headers["service-nonce"];
  if (!NAME.test(name) || typeof nonce !== "string" || !isNonce(nonce)) {
    const title = "Give /call/<service>/<path> and a nonce in Service-Nonce.";
    throw new ConsoleProblem("REQUEST_INVALID", title);
  }
  const body = await request.body(MAX_REQUEST);
  if (body === undefined) throw new ConsoleProblem("BODY_TOO_LARGE", "The request is too long.");
  const target = `${rest}${query === "" ? "" : `?${query}`}`;
  const passed = PASSED.flatMap((field): [string, string][] => {
    const value = headers[field];
    return typeof value !== "string" || value === "*/*" ? [] : [[field, value]];
  });
  try {
    const response = await client.fetch(`${name}${target}`, {
      method,
      headers: passed,
      ...(body.length > 0 && { body: new Uint8Array(body) }),
      nonce,
      timeMs: CALL_MS,
      maxBytes: MAX_RESPONSE,
      signal: request.signal,
    });
    return json({
      ...(await parts(response)),
      endpoint: response.endpoint,
      receipt: encodeReceipt(response.receipt),
      proof: "RECEIPT_CHECKED",
      way: wayOf(client, response.endpoint),
    });
  } catch (error) {
    if (error instanceof ReceiptError) {
      const { response, endpoint, code } = error;
      const way = wayOf(client, endpoint);
      return json({ ...(await parts(response)), endpoint, receipt: null, proof: code, way });
    }
    throw failed("CALL_FAILED", error);
  }
}

/**
 * `/resolver/v1/resolve/<name>`: the answer of the client's resolver, in the form of docs/resolver.md.
 *
 * @throws ConsoleProblem `REQUEST_INVALID`, `RESOLVE_FAILED`.
 */
export async function resolveService(client: Client, request: HttpRequest): Promise<HttpResponse> {
  const name = request.path.slice("/resolver/v1/resolve/".length);
  if (!NAME.test(name)) throw new ConsoleProblem("REQUEST_INVALID", "Not the name of a service.");
  try {
    return json(answerToJson(await client.resolve(name, { signal: request.signal })));
  } catch (error) {
    throw failed("RESOLVE_FAILED", error);
  }
}

/**
 * `/resolver/v1/watch?name=<name>`: the answer and each change, as server-sent events in the form of docs/resolver.md.
 *
 * @throws ConsoleProblem `REQUEST_INVALID`.
 */
export function watchService(client: Client, request: HttpRequest): HttpResponse {
  const name = new URLSearchParams(request.query).get("name") ?? "";
  if (!NAME.test(name)) throw new ConsoleProblem("REQUEST_INVALID", "Not the name of a service.");
  return {
    status: 200,
    headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
    body: ReadableStream.from(events(client, name, request.signal)),
  };
}

async function* events(client: Client, name: string, signal: AbortSignal) {
  const encoder = new TextEncoder();
  const event = (value: object) =>
    encoder.encode(`data: ${JSON.stringify({ name, ...value })}\n\n`);
  try {
    for await (const change of client.watch(name, { signal })) yield event(changeToJson(change));
  } catch (error) {
    if (signal.aborted) return;
    const { code, message } = failed("RESOLVE_FAILED", error);
    yield event({ error: { code, message } });
  }
}

/**
 * `/paths/<service ID>`: how the client's own sessions reach a service now, and the newest moves of its sessions.
 *
 * @throws ConsoleProblem `REQUEST_INVALID`.
 */
export function pathsOf({ sessions }: Client, log: PathLog, request: HttpRequest): HttpResponse {
  const id = request.path.slice("/paths/".length).toLowerCase();
  if (!ID.test(id)) throw new ConsoleProblem("REQUEST_INVALID", "Not the ID of a service.");
  return json({
    sessions: sessions
      .filter(({ serviceId }) => serviceId.toLowerCase() === id)
      .map(({ endpoint, path: { kind, whyRelayed = null }, flows }) => {
        return { endpoint, path: kind, whyRelayed, flows };
      }),
    moves: log.of(id),
  });
}

/** Status, fields and body of a response; they are a stranger's. */
async function parts(response: Response) {
  const body = Buffer.from(await response.arrayBuffer());
  return {
    status: response.status,
    headers: [...response.headers],
    body: body.toString("base64"),
  };
}

/** How the client's session over the SAL reaches an endpoint now; null without a session. */
function wayOf({ sessions }: Client, endpoint: string): "direct" | "relayed" | null {
  const session = sessions.find((each) => each.endpoint === endpoint);
  if (session === undefined) return null;
  return session.path.kind === "relay" ? "relayed" : "direct";
}

function failed(code: "CALL_FAILED" | "RESOLVE_FAILED", error: unknown): ConsoleProblem {
  if (!(error instanceof BlockcloudError)) throw error;
  return new ConsoleProblem(code, error.message, { reason: error.code, cause: error });
}
