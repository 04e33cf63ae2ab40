import type { Hex } from "viem";
import type { ServiceFacts } from "../../chain/directory.ts";
import type { Answer } from "../answer.ts";
import { drawOrder, type Random } from "../order.ts";
import type { Action } from "./rule.ts";

/** How long a client may cache an answer from the table, milliseconds: rules may change at any time. */
export const TABLE_ANSWER_MS = 10_000;

/** The answer of a rule with endpoints or a local socket. It has no signature. */
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

/** A local socket as a URI: `unix:/run/app.sock`, `tcp://127.0.0.1:8080`. */
function socketUri(socket: string): string {
  return socket.startsWith("/") ? `unix:${socket}` : `tcp://${socket}`;
}
