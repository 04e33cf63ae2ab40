import { connect, type NetConnectOpts, type Socket } from "node:net";
import type { Scheduler } from "../../node/scheduler.ts";
import type { Timers } from "../../node/timers.ts";
import { salError } from "../errors.ts";
import { SocketReads } from "../socketReads.ts";
import { Splice } from "../splice.ts";
import type { FlowHandler } from "./service.ts";

export interface TcpPortOptions {
  /** Where the service's own server listens. */
  to: NetConnectOpts;
  /** How long the upstream may take to accept, milliseconds. */
  connectMs?: number;
  /** How long a flow may carry nothing after one direction has ended, milliseconds. */
  halfClosedMs?: number;
}

const CONNECT_MS = 10_000;
const HALF_CLOSED_MS = 300_000;

/**
 * Serves flows by connections to the service's own server, byte for byte: for any protocol over TCP, h2c and gRPC
 * included. The flow is open when the server has accepted.
 */
export function tcpPort(
  { to, connectMs = CONNECT_MS, halfClosedMs = HALF_CLOSED_MS }: TcpPortOptions,
  { timers, clock }: { timers: Timers; clock: Scheduler },
): FlowHandler {
  return async (flow, peer) => {
    const reads = new SocketReads();
    const own = { allowHalfOpen: true, noDelay: true, onread: reads.onread };
    const socket = connect({ ...to, ...own } as NetConnectOpts);
    socket.once("close", peer.hold());
    // A client that gives up at once must not leave a connection that is still being made.
    const giveUp = () => {
      socket.destroy();
    };
    flow.once("close", giveUp);
    await connected(socket, connectMs, clock);
    flow.off("close", giveUp);
    if (flow.destroyed) {
      socket.destroy();
      return;
    }
    new Splice(socket, flow, {
      timers,
      reads,
      idleMs: 0,
      halfClosedMs,
      gone: {
        socket: () => salError("upstream", "The service's server closed the connection."),
        flow: () => salError("cancelled", "The client closed the flow."),
      },
    });
  };
}

function connected(socket: Socket, connectMs: number, clock: Scheduler): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (why: string, cause?: Error) => {
      cancel();
      socket.destroy();
      reject(salError("upstream", `The service's server cannot be reached: ${why}.`, { cause }));
    };
    const cancel = clock.after(connectMs, () => {
      fail(`no answer in ${connectMs} ms`);
    });
    const failed = (cause: Error & { code?: string }) => {
      // The message would tell the client where the server runs.
      fail(cause.code ?? "the connection failed", cause);
    };
    const closed = () => {
      fail("the connection was given up");
    };
    socket.once("error", failed);
    socket.once("close", closed);
    socket.once("connect", () => {
      cancel();
      socket.off("error", failed);
      socket.off("close", closed);
      resolve();
    });
  });
}
