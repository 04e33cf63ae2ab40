import type { Hex } from "viem";
import type { ServiceFacts } from "../chain/directory.ts";
import type { Answer } from "./answer.ts";
import { drawOrder, type Random } from "./order.ts";
import type { Action } from "./table/rule.ts";

/** How long an answer of the table may be kept by whoever asked, milliseconds: rules change at any time. */
export const TABLE_ANSWER_MS = 10_000;

/** What a rule that names endpoints, or a local socket, answers. Nobody signed it. */
export function tableAnswer(
  serviceId: Hex,
  action: Extract<Action, { kind: "endpoints" | "demux" }>,
  context: { now: number; facts: ServiceFacts | undefined; random: Random },
): Answer {
  const uris = action.kind === "endpoints" ? action.endpoints : [socketUri(action.socket)];
  const endpoints = uris.map((uri) => ({ uri, priority: 0, weight: 1 }));
  return {
    serviceId,
    name: undefined,
    endpoints: drawOrder(endpoints, context.random),
    record: undefined,
    nameRecord: undefined,
    issuedAt: Math.floor(context.now),
    expiresAt: Math.floor(context.now) + TABLE_ANSWER_MS,
    source: "table",
    superseded: false,
    service: context.facts,
  };
}

/** A socket of this host as a URI: `unix:/run/app.sock`, `tcp://127.0.0.1:8080`. */
function socketUri(socket: string): string {
  return socket.startsWith("/") ? `unix:${socket}` : `tcp://${socket}`;
}
