import type { Address, Hex } from "viem";
import * as z from "zod";
import { checkRecord } from "@protocol/checkRecord.ts";
import { BlockcloudError } from "@protocol/errors.ts";
import { blockcloudDomain } from "@protocol/typedData.ts";
import type { Deployment } from "../config.ts";

/** Longest event of a resolver that is read, characters. */
const MAX_EVENT = 64 * 1024;

/** What a resolver says of a service; docs/resolver.md has the whole form. */
const changeSchema = z.union([
  z.object({
    answer: z.object({
      record: z
        .string()
        .max(2 + 2 * 2048)
        .regex(/^0x([0-9a-f]{2})+$/)
        .transform((text) => text as Hex)
        .optional(),
      source: z.string().max(40),
    }),
  }),
  z.object({ error: z.object({ code: z.string().max(64), message: z.string().max(1024) }) }),
]);

/** A record that the page has checked itself. */
export interface LiveRecord {
  endpoints: readonly string[];
  /** Unix milliseconds. */
  issuedAt: number;
  expiresAt: number;
  source: string;
}

export type LiveState =
  { kind: "record"; record: LiveRecord } | { kind: "problem"; code: string; message: string };

/**
 * Reads an event of a resolver's watch, and checks the record against the service's key on chain: the resolver is not
 * trusted.
 *
 * @param context.now The chain's time, Unix milliseconds.
 */
export function readChange(
  text: string,
  context: { deployment: Deployment; key: Address; id: Hex; now: number },
): LiveState {
  const { deployment, key, id, now } = context;
  try {
    const { success, data } = changeSchema.safeParse(JSON.parse(text.slice(0, MAX_EVENT)));
    if (!success) return problem("ANSWER_MALFORMED", "The resolver's answer has another form.");
    if ("error" in data) return problem(data.error.code, data.error.message);
    const { record: encoded, source } = data.answer;
    if (encoded === undefined) {
      return problem("ANSWER_UNSIGNED", "The resolver's answer holds no signed record.");
    }
    const domain = blockcloudDomain(BigInt(deployment.chainId), deployment.contracts.registry);
    const { record } = checkRecord(encoded, { domain, now, rootKey: key });
    if (record.serviceId.toLowerCase() !== id.toLowerCase()) {
      return problem("RECORD_OF_ANOTHER", "The resolver gave the record of another service.");
    }
    return {
      kind: "record",
      record: {
        endpoints: record.endpoints
          .toSorted((a, b) => a.priority - b.priority)
          .map(({ uri }) => uri),
        issuedAt: Number(record.issuedAt),
        expiresAt: Number(record.expiresAt),
        source,
      },
    };
  } catch (error) {
    if (error instanceof SyntaxError)
      return problem("ANSWER_MALFORMED", "The resolver's answer is not JSON.");
    if (error instanceof BlockcloudError) return problem(error.code, error.message);
    throw error;
  }
}

function problem(code: string, message: string): LiveState {
  return { kind: "problem", code, message };
}
