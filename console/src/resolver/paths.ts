import * as z from "zod";
import type { Hex } from "viem";
import { boundedText } from "../bounded.ts";
import { PageError } from "../failure.ts";

/** Longest answer, bytes. */
const MAX_ANSWER = 256 * 1024;
const TIMEOUT_MS = 10_000;

const kind = z.enum(["public", "relay", "lan", "ipv6", "mapped", "punched"]);
const pathsSchema = z.object({
  sessions: z
    .array(
      z.object({
        endpoint: z.string().max(512),
        path: kind,
        whyRelayed: z.string().max(1_000).nullable(),
        flows: z.number().int().nonnegative(),
      }),
    )
    .max(10_000),
  moves: z
    .array(
      z.object({
        /** Unix milliseconds. */
        at: z.number(),
        reason: z.string().max(32),
        endpoint: z.string().max(512),
        path: kind,
        /** From the last byte of the old path, milliseconds. */
        gapMs: z.number().nonnegative(),
      }),
    )
    .max(100),
});
/** How the console's server reaches a service, and the newest moves of its sessions, the oldest first. */
export type Paths = z.infer<typeof pathsSchema>;

/**
 * Asks the console's server for its own sessions with a service.
 *
 * @param base URL of the server's list of paths.
 * @throws PageError `PATHS_AWAY`, `PATHS_WRONG`.
 */
export async function readPaths(base: string, id: Hex, signal: AbortSignal): Promise<Paths> {
  const bounds = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  const wrong = (why: string) =>
    new PageError("PATHS_WRONG", `The console's server sent a list of paths that ${why}.`, {
      remedy: "Use a page and a server of the same version.",
    });
  try {
    const response = await fetch(`${base}/${id}`, { cache: "no-store", signal: bounds });
    if (!response.ok) {
      throw new PageError("PATHS_AWAY", `The console's server answered ${response.status}.`);
    }
    const text = await boundedText(response, MAX_ANSWER, () => wrong("is too long"));
    const parsed = pathsSchema.safeParse(JSON.parse(text));
    if (!parsed.success) throw wrong("has another form");
    return parsed.data;
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof PageError) throw cause;
    if (cause instanceof SyntaxError) throw wrong("is not JSON");
    throw new PageError("PATHS_AWAY", "The console's server cannot be reached.", { cause });
  }
}
