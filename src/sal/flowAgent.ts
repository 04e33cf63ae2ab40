import { Agent, type ClientRequestArgs } from "node:http";
import type { Duplex } from "node:stream";
import { asClientSocket } from "../node/http/streamSocket.ts";
import { salError } from "./errors.ts";

type Connected = (error: Error | null, flow: Duplex) => void;

/**
 * Flows to services for the requests of one program's connection. It keeps a flow for the next request to the same
 * host; another program's connection never gets it, because some servers trust a connection that has logged in.
 */
export class FlowAgent extends Agent {
  readonly #open: (host: string, port: number) => Promise<Duplex>;

  constructor(open: (host: string, port: number) => Promise<Duplex>, keepAlive: boolean) {
    super({ keepAlive, maxSockets: Infinity, maxFreeSockets: 4 });
    this.#open = open;
  }

  override createConnection(options: ClientRequestArgs, connected: Connected): undefined {
    this.#open(options.host ?? "", Number(options.port)).then(
      (flow) => {
        // Node's client would wait for its closing, which was before.
        if (flow.destroyed) {
          (connected as (error: unknown) => void)(
            flow.errored ?? salError("lost", "The flow closed at once."),
          );
          return;
        }
        // The service will read no further request on it.
        flow.once("end", () => flow.end());
        connected(null, asClientSocket(flow));
      },
      (error: unknown) => {
        (connected as (error: unknown) => void)(error);
      },
    );
  }
}
