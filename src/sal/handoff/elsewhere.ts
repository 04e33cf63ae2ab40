import type { Socket } from "node:net";
import type { Hex } from "viem";
import type { Scheduler } from "../../node/scheduler.ts";
import { salError } from "../errors.ts";
import type { Greeting } from "../handshake/greeting.ts";
import { retire, type Link } from "../transport/link.ts";

/** A RESUME for a session that this process does not have. */
export interface ForeignResume {
  serviceId: Hex;
  /** The client's end of the link. */
  peer: { readonly address: string; readonly port: number };
  /** Of the link on which the session is to go on. */
  channel: Hex;
  /** The payload of RESUME. */
  payload: Buffer;
}

/** The processes before this one, which keep the sessions that began with them. */
export interface Elsewhere {
  /**
   * Looks for the process that has a session.
   *
   * @returns A connection on which that process speaks to the client from here on; `unknown` if no process has the
   *   session, or the client is not its own; `busy` if one of them does not answer now.
   */
  find(resume: ForeignResume, signal: AbortSignal): Promise<Socket | "unknown" | "busy">;
}

/** What a process that does not read may owe to a client that does not stop: as much as a session may have under way. */
const MOST_WAITING = 20 * 1024 * 1024;
/** A client that reads slowly holds its provider up from here on, bytes. */
const MOST_QUEUED = 256 * 1024;

/** Joins a link with the process that has its session. Both end together. */
function joinLink(link: Link, socket: Socket, clock: Scheduler): void {
  link.handler = {
    data: (chunk) => {
      if (socket.writableLength > MOST_WAITING) link.destroy();
      else socket.write(chunk);
    },
    drained: () => {
      if (link.queued < MOST_QUEUED) socket.resume();
    },
    closed: () => {
      socket.destroy();
    },
  };
  socket.on("data", (chunk: Buffer) => {
    link.write(chunk);
    if (link.queued >= MOST_QUEUED) socket.pause();
  });
  socket.on("error", () => {
    // What follows is its close.
  });
  socket.once("end", () => {
    // The reason of the end is on its way to the client.
    retire(link, clock);
    socket.destroy();
  });
  // Without an end the other process has died: the client asks again, and is told so.
  socket.once("close", () => {
    if (!socket.readableEnded) link.destroy();
  });
}

/**
 * Goes on with a session that began with a process before this one: leads its client's link there.
 *
 * @throws BlockcloudError `SAL_BUSY` if a process does not answer now, `SAL_SESSION_LOST` if none has the session, or
 *   what ended the link meanwhile.
 */
export async function resumeElsewhere(
  greeting: Greeting,
  {
    resume,
    elsewhere,
    clock,
  }: { resume: ForeignResume; elsewhere: Elsewhere | undefined; clock: Scheduler },
  signal: AbortSignal,
): Promise<void> {
  const found = (await elsewhere?.find(resume, signal)) ?? "unknown";
  if (found === "busy") throw salError("busy", "The session's process does not answer now.");
  // An unknown session and a wrong proof look alike.
  if (found === "unknown") throw salError("lost", "The session cannot be resumed here.");
  if (greeting.failure !== undefined) {
    found.destroy();
    throw greeting.failure;
  }
  joinLink(greeting.release(), found, clock);
}
