import type { Socket } from "node:net";
import type { Scheduler } from "../../node/scheduler.ts";
import type { Flow } from "../session/flow.ts";

/**
 * Gives a flow what `node:http` and the gateway use of a socket besides the stream: the peer's address, a timeout, and
 * an orderly end.
 *
 * @param address Of the client's end of the link.
 */
export function asSocket(flow: Flow, address: string, clock: Scheduler): Socket {
  let limit = 0;
  let cancel: (() => void) | undefined;
  let carried = 0;
  const watch = () => {
    cancel?.();
    cancel = limit === 0 ? undefined : clock.after(limit, look);
    carried = flow.bytesRead + flow.bytesWritten;
  };
  const look = () => {
    const isSilent = flow.bytesRead + flow.bytesWritten === carried;
    watch();
    if (isSilent) flow.emit("timeout");
  };
  flow.once("close", () => cancel?.());
  const socket = Object.assign(flow, {
    remoteAddress: address,
    remotePort: 0,
    setTimeout(milliseconds: number, listener?: () => void) {
      limit = milliseconds;
      if (listener !== undefined) flow.once("timeout", listener);
      watch();
      return socket;
    },
    setKeepAlive: () => socket,
    setNoDelay: () => socket,
    ref: () => socket,
    unref: () => socket,
    destroySoon() {
      if (flow.writable) flow.end();
      if (flow.writableFinished) flow.destroy();
      else flow.once("finish", () => flow.destroy());
    },
    // A flow resets each direction that did not end complete.
    resetAndDestroy: () => flow.destroy(),
  }) as unknown as Socket;
  return socket;
}
