import { connect, isIP, type Socket } from "node:net";
import type { Scheduler } from "../../node/scheduler.ts";
import { salError } from "../errors.ts";
import { ANY } from "../transport/tlsTransport.ts";
import type { Place } from "../transport/link.ts";

/**
 * Most dials of a punch, and how long they are begun, milliseconds. A dial that is not answered is given up after
 * `dialMs`, because TCP sends a SYN that a NAT dropped again only after 1 s.
 */
const DIALS = { most: 8, withinMs: 1_000 };
export const DIAL_MS = 150;
/**
 * Pause after a dial that was refused, milliseconds; twice as long after each further one. The other side's SYN may be
 * under way.
 */
const REFUSED_MS = 10;

/** How a punch is dialled. */
export interface PunchOptions {
  /** Port of the connection to the relay: the NAT has a mapping for it. */
  localPort: number;
  to: Place;
  /** How long one dial may take, milliseconds; at least a round trip. */
  dialMs: number;
  /** How long all of it may take, milliseconds. */
  limitMs: number;
  clock: Scheduler;
}

/**
 * Dials through two NATs: the other side does the same at the same time, so that each NAT takes the other one's SYN for
 * an answer. Both sides open at once, or one of them accepts nothing and the other one's next dial meets an open NAT.
 *
 * @param settle Decides whether the other end of a connection is there; a rejection, or a closed connection, is redone.
 * @throws BlockcloudError `SAL_NO_PATH`; or the signal's reason.
 */
export async function punchTcp<T>(
  { localPort, to, dialMs, limitMs, clock }: PunchOptions,
  settle: (socket: Socket, signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const began = clock.monotonic();
  const over = new AbortController();
  const each = AbortSignal.any([over.signal, signal]);
  const cancel = clock.after(limitMs, () => {
    over.abort(salError("noPath", `No direct connection in ${limitMs} ms.`));
  });
  let failure: unknown;
  let pauseMs = REFUSED_MS;
  try {
    for (let dials = 0; dials < DIALS.most; dials += 1) {
      if (clock.monotonic() - began >= DIALS.withinMs) break;
      each.throwIfAborted();
      const socket = connect({
        host: to.address,
        port: to.port,
        localAddress: ANY[isIP(to.address)] ?? "",
        localPort,
        noDelay: true,
      });
      try {
        await connected(socket, dialMs, clock, each);
        return await settle(socket, each);
      } catch (error) {
        socket.on("error", () => {});
        // An orderly end would hold the two ports for a minute (TIME_WAIT): no further dial could use them.
        if (socket.connecting || socket.destroyed) socket.destroy();
        else socket.resetAndDestroy();
        failure = error;
        // The port can be bound again when the kernel has let it go.
        await closed(socket);
        if (isRefusal(error)) {
          if (clock.monotonic() + pauseMs - began >= DIALS.withinMs) break;
          await pause(pauseMs, clock);
          pauseMs *= 2;
        }
      }
    }
    each.throwIfAborted();
    const why = failure instanceof Error ? ((failure as { code?: string }).code ?? "") : "";
    const place = `${to.address} port ${to.port}`;
    throw salError("noPath", `No direct connection to ${place}: ${why}.`, { cause: failure });
  } finally {
    cancel();
  }
}

function connected(
  socket: Socket,
  milliseconds: number,
  clock: Scheduler,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      cancel();
      signal.removeEventListener("abort", abort);
      socket.off("connect", done);
      socket.off("error", fail);
    };
    const done = () => {
      settle();
      resolve();
    };
    const fail = (error: Error) => {
      settle();
      reject(error);
    };
    const abort = () => {
      fail(signal.reason as Error);
    };
    let cancel = clock.after(milliseconds, () => {
      // A process that was held up hears of the time before it hears of the answer: it looks once more.
      cancel = clock.after(1, () => {
        fail(salError("timeout", `No answer in ${milliseconds} ms.`));
      });
    });
    signal.addEventListener("abort", abort, { once: true });
    socket.once("connect", done);
    socket.once("error", fail);
  });
}

async function closed(socket: Socket): Promise<void> {
  if (socket.closed) return;
  await new Promise<void>((resolve) => {
    socket.once("close", () => {
      resolve();
    });
  });
}

function pause(milliseconds: number, clock: Scheduler): Promise<void> {
  return new Promise((resolve) => {
    clock.after(milliseconds, resolve);
  });
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error && (error as { code?: string }).code !== "SAL_TIMEOUT";
}
