import type { Hex } from "viem";
import { z } from "zod";
import { BlockcloudError } from "../../protocol/errors.ts";
import { parseServiceId } from "../../protocol/serviceId.ts";
import { formatPrefix, type Prefix } from "./prefix.ts";

/** Endpoints, or services, of one rule at most. */
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

/** What a rule does with a look-up; how it stands in the state folder. */
export const actionSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("endpoints"), endpoints: targets(uri) }),
  z.strictObject({ kind: z.literal("services"), services: targets(serviceId) }),
  z.strictObject({ kind: z.literal("resolver"), url: resolverUrl }),
  z.strictObject({ kind: z.literal("demux"), socket }),
  z.strictObject({ kind: z.literal("delay") }),
  z.strictObject({ kind: z.literal("drop") }),
]);

/**
 * What a rule does with a look-up (Nordström et al., "Serval", NSDI 2012, section 4.2). The first three are
 * its FORWARD: to endpoints, to other services that stand in for this one, to another resolver. `demux` hands
 * over to a socket of this host, `delay` queues the look-up and resolves it on demand, `drop` refuses it.
 */
export type Action = z.infer<typeof actionSchema>;

/** A rule without what a table adds. */
export interface RuleSpec {
  prefix: Prefix;
  action: Action;
  /** Rules with the lowest number count, the others at this prefix wait until those are gone; 0 to 65,535. */
  priority: number;
  /** Share of the look-ups among the rules of one priority, 0 to 65,535. */
  weight: number;
}

/** A rule of a table, and what was counted of it since the process began. */
export interface Rule extends RuleSpec {
  /** Never used again; 0 is the default rule that nobody set. */
  readonly id: number;
  /** Look-ups that it was chosen for. */
  matches: number;
  /** Those of them that it refused: all where it drops, where it delays those that found the queue full. */
  drops: number;
}

/** The name of a rule's action, as Serval has it. */
export function actionName({ kind }: Action): "FORWARD" | "DEMUX" | "DELAY" | "DROP" {
  return ({ demux: "DEMUX", delay: "DELAY", drop: "DROP" } as const)[kind as "drop"] ?? "FORWARD";
}

/** What a rule leads to, for people; empty where it leads nowhere. */
export function targetsOf(action: Action): readonly string[] {
  if (action.kind === "endpoints") return action.endpoints;
  if (action.kind === "services") return action.services;
  if (action.kind === "resolver") return [action.url];
  return action.kind === "demux" ? [action.socket] : [];
}

/**
 * DELAY and DROP bear no other rule beside them: what would be chosen by weight between "wait" and "go
 * there"?
 *
 * @param others The rules at the prefix.
 * @throws BlockcloudError `RULE_EXCLUSIVE` that names both.
 */
export function checkExclusive(added: RuleSpec, others: readonly Pick<Rule, "id" | "action">[]) {
  const [name, prefix] = [actionName(added.action), formatPrefix(added.prefix)];
  const other = others.find(({ action }) => isExclusive(action) || isExclusive(added.action));
  if (other === undefined) return;
  throw new BlockcloudError(
    "RULE_EXCLUSIVE",
    `${name} at ${prefix} and rule ${other.id}, ${actionName(other.action)}, cannot both be.`,
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
    // The schema's message says what is wrong.
    return false;
  }
}

function isPlainUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return /^https?:$/.test(protocol) && username + password + search + hash === "";
}
