import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { isIPv6, type AddressInfo } from "node:net";
import type { Startable } from "../../node/lifecycle.ts";
import type { Logger } from "../../node/logger.ts";
import type { Timers } from "../../node/timers.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { rcodes } from "./codes.ts";
import { NO_ANSWER } from "./query.ts";
import type { Responder } from "./responder.ts";
import type { ResponseRate } from "./responseRate.ts";
import type { Tally } from "./tally.ts";

/** Kernel's buffer for what comes in while we work, bytes; Linux may give less (net.core.rmem_max). */
const RECEIVE_BYTES = 4 * 1024 * 1024;
/** Answers that wait for the kernel to take them; later ones are dropped, as a full buffer would. */
const MAX_QUEUED = 1_024;

export interface UdpDependencies {
  responder: Responder;
  rate: Pick<ResponseRate, "take">;
  tally: Tally;
  timers: Timers;
  log: Logger;
}

/** DNS over UDP (RFC 1035, 4.2.1). */
export class UdpServer implements Startable {
  readonly #listen: { host: string; port: number };
  readonly #d: UdpDependencies;
  #socket: Socket | undefined;
  /** Answers that waited for the kernel after the last one was sent. */
  #queued = 0;

  constructor(listen: { host: string; port: number }, dependencies: UdpDependencies) {
    this.#listen = listen;
    this.#d = dependencies;
  }

  /** Where it listens; known once it has started. */
  get address(): AddressInfo {
    if (this.#socket === undefined) throw new Error("not started");
    return this.#socket.address();
  }

  /** @throws BlockcloudError `DNS_LISTEN`. */
  async start(): Promise<void> {
    const { host, port } = this.#listen;
    const family = isIPv6(host) ? 6 : 4;
    const socket = createSocket({
      type: `udp${family}`,
      // Everything that is sent goes to an address that a packet came from: nothing to look up.
      lookup: (address, _, done) => {
        done(null, address, family);
      },
    });
    try {
      const listening = once(socket, "listening");
      socket.bind({ address: host, port });
      await listening;
    } catch (cause) {
      socket.close();
      throw new BlockcloudError("DNS_LISTEN", `Cannot answer DNS over UDP on ${host}:${port}.`, {
        cause,
        remedy: "Choose a free port and an address of this machine; below 1024 needs a privilege.",
      });
    }
    socket.setRecvBufferSize(RECEIVE_BYTES);
    socket.on("message", this.#onMessage);
    socket.on("error", (error) => {
      this.#d.log.warn("DNS over UDP failed", { error });
    });
    this.#socket = socket;
  }

  async stop(): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined) return;
    this.#socket = undefined;
    const closed = once(socket, "close");
    socket.close();
    await closed;
  }

  readonly #onMessage = (packet: Buffer, peer: RemoteInfo): void => {
    const { responder, rate, tally, timers } = this.#d;
    const now = timers.monotonic();
    const ready = responder.quick(packet, now, true);
    const { outcome } = responder.query;
    if (outcome === NO_ANSWER || peer.port === 0) return;
    const allowance = rate.take(peer.address, now);
    if (allowance === "none" || (allowance === "truncated" && outcome !== rcodes.NOERROR)) {
      tally.limited("dropped");
    } else if (allowance === "truncated") {
      this.#send(responder.slip(packet), peer);
      tally.limited("truncated");
      tally.answered("udp", rcodes.NOERROR);
    } else if (ready !== undefined) {
      if (this.#send(ready, peer)) responder.detach();
      tally.sent("udp", responder.rcode, now);
    } else {
      void this.#lookUp(packet, peer, now);
    }
  };

  async #lookUp(packet: Buffer, peer: RemoteInfo, since: number): Promise<void> {
    try {
      const { bytes, rcode } = await this.#d.responder.lookUp(packet, true);
      this.#send(bytes, peer);
      this.#d.tally.found("udp", rcode, since);
    } catch (error) {
      this.#d.log.error("a DNS query failed", { error });
    }
  }

  /** Whether the bytes are still needed after it: as a rule the kernel has taken them. */
  #send(bytes: Buffer, peer: RemoteInfo): boolean {
    const socket = this.#socket;
    if (socket === undefined) return false;
    if (this.#queued > MAX_QUEUED) {
      this.#queued = socket.getSendQueueCount();
      return false;
    }
    socket.send(bytes, peer.port, peer.address);
    this.#queued = socket.getSendQueueCount();
    return this.#queued > 0;
  }
}
