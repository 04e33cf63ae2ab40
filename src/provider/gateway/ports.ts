import type { Socket } from "node:net";
import type { Scheduler } from "../../node/scheduler.ts";
import type { Timers } from "../../node/timers.ts";
import { asSocket } from "../../sal/provider/flowSocket.ts";
import type { FlowHandler } from "../../sal/provider/service.ts";
import { HTTP_PORT } from "../../protocol/exchange.ts";
import { tcpPort } from "../../sal/provider/tcpPort.ts";
import type { ServedPort } from "../../net/servedPort.ts";

/** The handlers of a service's ports. */
export function portTable(
  ports: readonly ServedPort[],
  serveHttp: (flow: Socket) => void,
  dependencies: { timers: Timers; clock: Scheduler },
): ReadonlyMap<number, FlowHandler> {
  const http: FlowHandler = (flow, { address }) => {
    serveHttp(asSocket(flow, address, dependencies.clock));
    return Promise.resolve();
  };
  const table = new Map<number, FlowHandler>([[HTTP_PORT, http]]);
  for (const { port, mode, to } of ports) {
    const isTcp = mode === "tcp" && to !== undefined;
    table.set(port, isTcp ? tcpPort({ to: to }, dependencies) : http);
  }
  return table;
}
