import type { Hex } from "viem";
import * as z from "zod";
import { BlockcloudError } from "../../protocol/errors.ts";
import { parseServiceId } from "../../protocol/serviceId.ts";
import { formatPrefix, type Prefix } from "./prefix.ts";

/** Largest number of endpoints or services of one rule. */
const MAX_TARGETS = 16;

const uri = z
  .string()
  .max(512)
  .regex(/^(https?|tcp|sal):\/\/[^\s]+$/, "Give an https, http, tcp or sal URI.");
const serviceId = z
  .string()
  .refine(isServiceId, "Give a service ID: 0x and 64 hexadecimal digits.")
  .transform((text) => text.toLowerCase() as Hex);
const resolverUrl = z
  .string()
  .max(512)
  .refine(isPlainUrl, "Give an http or https URL without credentials.");
const socket = z
  .string()
  .max(255)
  .regex(/^(\/[^\s]+|[^\s/]+:\d{1,5})$/, "Give a socket's path from / on, or host:port.");
const targets = <T extends z.ZodType>(kind: T) => z.array(kind).min(1).max(MAX_TARGETS);

/** What a rule does with a lookup, as it is stored in the state folder. */
export const actionSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("endpoints"), endpoints: targets(uri) }),
  z.strictObject({ kind: z.literal("services"), services: targets(serviceId) }),
  z.strictObject({ kind: z.literal("resolver"), url: resolverUrl }),
  z.strictObject({ kind: z.literal("demux"), socket }),
  z.strictObject({ kind: z.literal("delay") }),
  z.strictObject({ kind: z.literal("drop") }),
]);

/**
 * What a rule does with a lookup (Nordström et al., "Serval", NSDI 2012, section 4.2). The first three are
 * Serval's FORWARD: to endpoints, to other services that replace this one, to another resolver. `demux`
 * passes to a local socket, `delay` queues the lookup and resolves it on demand, `drop` refuses it.
 */
export type Action = z.infer<typeof actionSchema>;

/** A rule without the fields that a table adds. */
export interface RuleSpec {
  prefix: Prefix;
  action: Action;
  /** 0 to 65,535. Only the rules with the lowest number at a prefix are used. */
  priority: number;
  /** Share of the lookups among the rules of one priority, 0 to 65,535. */
  weight: number;
}

/** A rule of a table, with its counters since the process started. */
export interface Rule extends RuleSpec {
  /** Never reused; 0 is the built-in default rule. */
  readonly id: number;
  /** Lookups for which it was chosen. */
  matches: number;
  /** Lookups that it refused: all if it drops, or those that found the queue full if it delays. */
  drops: number;
}

/** The name of a rule's action in Serval. */
export function actionName({ kind }: Action): "FORWARD" | "DEMUX" | "DELAY" | "DROP" {
  return ({ demux: "DEMUX", delay: "DELAY", drop: "DROP" } as const)[kind as "drop"] ?? "FORWARD";
}

/** The targets of a rule for display; empty if it has none. */
export function targetsOf(action: Action): readonly string[] {
  if (action.kind === "endpoints") return action.endpoints;
  if (action.kind === "services") return action.services;
  if (action.kind === "resolver") return [action.url];
  return action.kind === "demux" ? [action.socket] : [];
}

/**
 * DELAY and DROP must be the only rule at a prefix: a choice by weight between "wait" and "go there" has no
 * meaning.
 *
 * @param others The rules at the prefix.
 * @throws BlockcloudError `RULE_EXCLUSIVE`, which names both rules.
 */
export function checkExclusive(added: RuleSpec, others: readonly Pick<Rule, "id" | "action">[]) {
  const [name, prefix] = [actionName(added.action), formatPrefix(added.prefix)];
  const other = others.find(({ action }) => isExclusive(action) || isExclusive(added.action));
  if (other === undefined) return;
  throw new BlockcloudError(
    "RULE_EXCLUSIVE",
    `${name} at ${prefix} and rule ${other.id}, ${actionName(other.action)}, exclude each other.`,
    { remedy: `Remove that one first: blockcloud table remove ${other.id}.` },
  );
}

function isExclusive({ kind }: Action): boolean {
  return kind === "delay" || kind === "drop";
}

function isServiceId(text: string): boolean {
  try {
    parseServiceId(text);
    return true;
  } catch {
    // The schema's message describes the fault.
    return false;
  }
}

function isPlainUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return /^https?:$/.test(protocol) && username + password + search + hash === "";
}
