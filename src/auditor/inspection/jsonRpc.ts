import { randomInt } from "node:crypto";
import * as z from "zod";
import type { Head } from "../../chain/clock.ts";
import type { FreshCheck, RpcProbe } from "../../protocol/probe.ts";
import {
  jsonFault,
  parseJson,
  resolvePointer,
  type ProbeResponse,
  type Fault,
} from "./responseCheck.ts";

/** The auditor's own view of the chain at a moment. */
export interface ChainView {
  /** The newest block's number. */
  block: bigint;
  /** The chain's time, Unix seconds. */
  seconds: number;
}

/** The view from a clock. */
export function chainView(time: { head(): Head; now(): number }): ChainView {
  return { block: time.head().number, seconds: time.now() };
}

/** A call, and the ID that its response must have: random, so that no response can be prepared in advance. */
export function writeCall({ rpc }: RpcProbe): { id: number; body: Buffer } {
  const id = randomInt(1, 2 ** 31);
  return { id, body: Buffer.from(JSON.stringify({ jsonrpc: "2.0", id, ...rpc })) };
}

/** JSON-RPC 2.0, section 5. Other fields are ignored. */
const response = z.object({
  jsonrpc: z.literal("2.0"),
  id: z.unknown().optional(),
  result: z.unknown().optional(),
  error: z.unknown().optional(),
});

/**
 * The fault in the response to a call; undefined if it is as the probe expects.
 *
 * @param views The auditor's own view of the chain at the request and at the response.
 */
export function rpcFault(
  request: RpcProbe,
  id: number,
  answer: ProbeResponse,
  views: { before: ChainView; after: ChainView },
): Fault | undefined {
  if (answer.status !== 200) return ["status", `status ${answer.status} instead of 200`];
  const json = parseJson(answer.body);
  if (json === undefined) return ["json", "no JSON"];
  const parsed = response.safeParse(json);
  if (!parsed.success) return ["rpc", "no JSON-RPC 2.0 response"];
  if (parsed.data.id !== id) return ["rpc", "a response to another call"];
  // JSON-RPC 1 has both fields, one of them null; many servers still send both.
  if (parsed.data.error !== undefined && parsed.data.error !== null)
    return ["rpc", "a JSON-RPC error"];
  if (parsed.data.result === undefined) return ["rpc", "a response without a result"];
  return (
    (request.json && jsonFault(request.json, json)) ??
    (request.fresh && staleness(request.fresh, json, views))
  );
}

/**
 * Compares a block number or a time with the auditor's own chain. A value too far ahead is as bad as one too
 * far behind, because a service can invent a large number.
 */
function staleness(
  { pointer, blocks, seconds }: FreshCheck,
  json: unknown,
  { before, after }: { before: ChainView; after: ChainView },
): Fault | undefined {
  const value = quantity(resolvePointer(json, pointer));
  if (value === undefined) return ["json", `no number at "${pointer}"`];
  const [from, to, unit] =
    blocks !== undefined
      ? [Number(before.block) - blocks, Number(after.block) + blocks, "block"]
      : [before.seconds - (seconds ?? 0), after.seconds + (seconds ?? 0), "second"];
  if (value < from) return ["stale", `${unit} ${value} is behind ${Math.floor(from)}`];
  if (value > to) return ["stale", `${unit} ${value} is ahead of ${Math.ceil(to)}`];
  return undefined;
}

/** A whole number that a double can hold: as a JSON number, or in one of the two notations of chains. */
function quantity(value: unknown): number | undefined {
  const written = typeof value === "string" && /^(0x[0-9a-f]{1,13}|\d{1,15})$/i.test(value);
  const number = written ? Number(value) : value;
  return Number.isSafeInteger(number) && (number as number) >= 0 ? (number as number) : undefined;
}
