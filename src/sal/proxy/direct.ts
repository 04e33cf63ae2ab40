import { connect, type Socket } from "node:net";
import type { DialRules } from "../../net/dialRules.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { salError } from "../errors.ts";
import type { Direct } from "./dial.ts";

/** Connects to destinations that are no service, within the rules of what may be dialled. */
export function directDialler(rules: DialRules): Direct {
  return async (host, port, signal) => {
    signal.throwIfAborted();
    rules.check(host, port);
    const lookup = rules.lookup(signal);
    const socket = connect({ host, port, lookup, allowHalfOpen: true, noDelay: true });
    await connected(socket, `${host}:${port}`, signal);
    return socket;
  };
}

function connected(socket: Socket, target: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      signal.removeEventListener("abort", abort);
      socket.off("error", failed);
    };
    const abort = () => {
      settle();
      socket.on("error", () => {});
      socket.destroy();
      reject(signal.reason as Error);
    };
    const failed = (cause: Error) => {
      settle();
      const known = cause instanceof BlockcloudError ? cause : undefined;
      reject(known ?? salError("noPath", `${target}: ${cause.message}.`, { cause }));
    };
    signal.addEventListener("abort", abort, { once: true });
    socket.once("error", failed);
    socket.once("connect", () => {
      settle();
      resolve();
    });
  });
}
