import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { isIP } from "node:net";
import { plainAddress } from "../../net/peer.ts";
import { within } from "../../node/within.ts";
import type { Timers } from "../../node/timers.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { isInZones, ZONES } from "../../protocol/name.ts";
import type { Dial, Direct, ProxyForm } from "./dial.ts";

/** Longest name of DNS (RFC 1035, 2.3.4), with its final dot. */
const NAME = /^[\w.-]{1,254}$/;

export interface RouteOptions {
  dial: Dial;
  /** Without it, only services are reached. */
  direct?: Direct | undefined;
  connectMs: number;
  timers: Timers;
}

/** Opens what programs ask for: services by a flow, other destinations by `direct` if there is one. */
export class Route {
  readonly #options: RouteOptions;

  constructor(options: RouteOptions) {
    this.#options = options;
  }

  /**
   * Opens a connection for a program.
   *
   * @param host A name or an address, without brackets, as it came.
   * @throws BlockcloudError with a code of `failures.ts`, or any of `dial` and `direct`.
   */
  async open(
    { host, port, form }: { host: string; port: number; form: ProxyForm },
    client: Socket,
    signal: AbortSignal,
  ): Promise<Duplex> {
    if (port === 0 || !(isIP(host) !== 0 || NAME.test(host))) throw invalidTarget(host, port);
    const { connectMs, timers } = this.#options;
    const asked = { address: plainAddress(client.remoteAddress), port: client.remotePort ?? 0 };
    return within(
      { milliseconds: connectMs, timers, signal },
      async (limit) => {
        const flow = await this.#reach(host, port, { ...asked, form }, limit);
        // It may fail before it is used, and after that; its users add listeners that act.
        flow.on("error", () => {});
        // It came too late: nothing waits for it any more.
        if (limit.aborted) flow.destroy();
        return flow;
      },
      () =>
        new BlockcloudError(
          "PROXY_CONNECT_TIMEOUT",
          `No connection to ${host}:${port} within ${connectMs} ms.`,
          { remedy: "Try again; if that does not help, ask the provider.", retryable: true },
        ),
    );
  }

  #reach(
    host: string,
    port: number,
    client: Parameters<Dial>[0]["client"],
    signal: AbortSignal,
  ): Promise<Duplex> {
    const { dial, direct } = this.#options;
    const name = host.toLowerCase().replace(/\.$/, "");
    if (isInZones(name)) return dial({ host: name, port, client }, signal);
    if (direct === undefined) {
      throw new BlockcloudError(
        "PROXY_DESTINATION_REFUSED",
        `${host}:${port} is no service: its name is not under ${ZONES.join(" or ")}.`,
        { remedy: "Reach it without this proxy, or start the proxy with --direct." },
      );
    }
    return direct(name, port, signal);
  }
}

function invalidTarget(host: string, port: number): BlockcloudError {
  const shown = JSON.stringify(`${host.slice(0, 80)}:${port}`);
  return new BlockcloudError("PROXY_TARGET_INVALID", `Not a host and port: ${shown}.`, {
    remedy: "Give a name of letters, digits, dots and hyphens, and a port from 1 to 65535.",
  });
}
