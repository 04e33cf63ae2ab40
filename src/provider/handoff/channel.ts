import { once } from "node:events";
import { connect } from "node:net";
import type { Hex } from "viem";
import type { Scheduler } from "../../node/scheduler.ts";
import { helloSchema, parsed, statusSchema, type HandoffStatus } from "./messages.ts";
import { HandoffWire } from "./wire.ts";

/** How long another process may take to answer, milliseconds. */
export const ANSWER_MS = 5_000;

/**
 * Asks a process how it stands.
 *
 * @returns Undefined if the process is gone.
 * @throws BlockcloudError `HANDOFF_FAILED`.
 */
export async function statusOf(file: string, clock: Scheduler): Promise<HandoffStatus | undefined> {
  const opened = await open(file, clock);
  if (opened === undefined) return undefined;
  const { wire } = opened;
  try {
    wire.send({ ask: "status" });
    return parsed(statusSchema, await wire.next(ANSWER_MS));
  } finally {
    wire.close();
  }
}

/** Whether no process listens at a socket. */
export async function isGone(file: string, clock: Scheduler): Promise<boolean> {
  const opened = await open(file, clock).catch((error: unknown) => error);
  if (opened === undefined) return true;
  if (!(opened instanceof Error)) (opened as { wire: HandoffWire }).wire.close();
  return false;
}

/**
 * Connects to a process.
 *
 * @returns Undefined if the process is gone.
 * @throws BlockcloudError `HANDOFF_FAILED`.
 */
export async function open(
  file: string,
  clock: Scheduler,
): Promise<{ wire: HandoffWire; nonce: Hex } | undefined> {
  const socket = connect({ path: file, allowHalfOpen: true });
  // Its owner changes; what matters is its close.
  socket.on("error", () => undefined);
  try {
    await once(socket, "connect");
  } catch (error) {
    socket.destroy();
    // A process that was killed leaves its socket behind.
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "ECONNREFUSED" || code === "ENOENT") return undefined;
    throw error;
  }
  const wire = new HandoffWire(socket, clock);
  try {
    const { nonce } = parsed(helloSchema, await wire.next(ANSWER_MS));
    return { wire, nonce };
  } catch (error) {
    wire.close();
    throw error;
  }
}
