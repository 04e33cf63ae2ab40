import { withSignal, type Scheduler } from "../../node/scheduler.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import type { ReceiptSigner } from "../../protocol/receipt.ts";
import { salError } from "../errors.ts";
import { greet, type ProvenLink } from "../handshake/clientHandshake.ts";
import type { Transport } from "../transport/link.ts";
import { serverNameOf } from "../transport/serverName.ts";
import type { Located } from "./locator.ts";
import { race } from "./race.ts";

/** Time limit of one endpoint, from the first packet to the receipt, milliseconds. */
export const ENDPOINT_MS = 10_000;

/** The instance that a session needs, of several that may serve the ID. */
export interface Wanted {
  /** 8 bytes. */
  instance: Buffer;
  /** Called with an endpoint at which the service has proved itself, but as another instance. */
  isOther(endpoint: string): void;
}

/**
 * Dials a service at its endpoints until one of them has proved to be the service.
 *
 * @param purpose A session of that instance is to go on; or one is to begin with any instance. An endpoint that is about
 *   to stop is passed over then.
 * @throws BlockcloudError as `greet`, `SAL_NO_PATH`; or the signal's reason.
 */
export async function dialProven(
  { serviceId, key, endpoints }: Located,
  dependencies: {
    transport: Transport;
    receipts: ReceiptSigner;
    clock: Scheduler;
    nonce?: (() => Buffer) | undefined;
    /** In place of `ENDPOINT_MS`. */
    endpointMs?: number;
  },
  signal: AbortSignal,
  purpose: Wanted | "begin",
): Promise<{ endpoint: string; link: ProvenLink }> {
  const { transport, receipts, clock, nonce, endpointMs = ENDPOINT_MS } = dependencies;
  const wanted = purpose === "begin" ? undefined : purpose;
  // The label lets one address lead to several instances; it is a route, and proves nothing.
  const serverName = serverNameOf(serviceId, wanted?.instance.toString("hex"));
  const attempt = async (endpoint: string, each: AbortSignal) => {
    const target = { ...parseEndpoint(endpoint), serverName };
    return withSignal(
      { milliseconds: endpointMs, clock, signal: each },
      () => salError("noPath", `No answer in ${endpointMs} ms.`),
      async (limit) => {
        const link = await transport.dial(target, limit);
        const proven = await greet(link, { serviceId, key }, { receipts, clock }, limit, nonce?.());
        if (wanted === undefined && proven.hello.isLeaving) {
          const leaving = salError("leaving", `The service is about to stop at ${endpoint}.`);
          proven.greeting.abandon(leaving);
          throw leaving;
        }
        if (wanted?.instance.equals(proven.hello.instance) === false) {
          const error = salError("noPath", `${endpoint} is another instance of the service.`);
          proven.greeting.abandon(error);
          wanted.isOther(endpoint);
          throw error;
        }
        return { endpoint, link: proven };
      },
    );
  };
  const discard = ({ link }: { link: ProvenLink }) => {
    link.greeting.abandon(salError("cancelled", "Another endpoint was faster."));
  };
  return race(endpoints, attempt, discard, clock, signal);
}

/**
 * The address of a SAL endpoint.
 *
 * @throws BlockcloudError `SAL_NO_PATH` for a URI without host and port.
 */
export function parseEndpoint(endpoint: string): { host: string; port: number; isRelay: boolean } {
  const url = URL.parse(endpoint);
  const port = Number(url?.port);
  const host = url?.hostname.replace(/^\[|\]$/g, "") ?? "";
  if (url?.protocol !== "sal:" || host === "" || !(port > 0)) {
    throw new BlockcloudError("SAL_NO_PATH", `Not an endpoint: ${endpoint.slice(0, 80)}.`, {
      remedy: "The provider must publish sal://host:port.",
    });
  }
  return { host, port, isRelay: url.searchParams.has("relay") };
}
