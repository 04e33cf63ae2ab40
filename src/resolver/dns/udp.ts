import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { isIP, isIPv6, type AddressInfo } from "node:net";
import type { Startable } from "../../node/lifecycle.ts";
import type { ListenAddress } from "../../node/listen.ts";
import type { Logger } from "../../node/logger.ts";
import type { Timers } from "../../node/timers.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { rcodes } from "./codes.ts";
import { NO_ANSWER } from "./query.ts";
import type { Responder } from "./responder.ts";
import type { ResponseRate } from "./responseRate.ts";
import type { Tally } from "./tally.ts";

/** The kernel's receive buffer, bytes; Linux may give less (net.core.rmem_max). */
const RECEIVE_BYTES = 4 * 1024 * 1024;
/** Responses that may wait for the kernel. Later ones are dropped, as by a full send buffer. */
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
  readonly #listen: ListenAddress;
  readonly #responder: Responder;
  readonly #rate: Pick<ResponseRate, "take">;
  readonly #tally: Tally;
  readonly #timers: Timers;
  readonly #log: Logger;
  #socket: Socket | undefined;
  /** Responses that were waiting for the kernel after the last send. */
  #queued = 0;

  constructor(listen: ListenAddress, dependencies: UdpDependencies) {
    this.#listen = listen;
    this.#responder = dependencies.responder;
    this.#rate = dependencies.rate;
    this.#tally = dependencies.tally;
    this.#timers = dependencies.timers;
    this.#log = dependencies.log;
  }

  /** Where it listens; known once it has started. */
  get address(): AddressInfo {
    if (this.#socket === undefined) throw new Error("not started");
    return this.#socket.address();
  }

  /** @throws BlockcloudError `DNS_LISTEN`. */
  async start(): Promise<void> {
    const { host, port, shared = false } = this.#listen;
    let socket: Socket | undefined;
    try {
      // TCP looks names up by itself.
      const address = isIP(host) === 0 ? (await lookup(host)).address : host;
      const family = isIPv6(address) ? 6 : 4;
      socket = createSocket({
        type: `udp${family}`,
        reusePort: shared,
        // Responses go only to addresses that packets came from, so there is no name to look up.
        lookup: (peer, _, done) => {
          done(null, peer, family);
        },
      });
      const listening = once(socket, "listening");
      socket.bind({ address, port });
      await listening;
    } catch (cause) {
      socket?.close();
      throw new BlockcloudError("DNS_LISTEN", `Cannot answer DNS over UDP on ${host}:${port}.`, {
        cause,
        remedy:
          "Choose a free port and an address of the host; a port below 1024 needs a privilege.",
      });
    }
    socket.setRecvBufferSize(RECEIVE_BYTES);
    socket.on("message", this.#onMessage);
    socket.on("error", (error) => {
      this.#log.warn("DNS over UDP failed", { error });
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
    const responder = this.#responder;
    const rate = this.#rate;
    const tally = this.#tally;
    const timers = this.#timers;
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
      void this.#lookup(packet, peer, now);
    }
  };

  async #lookup(packet: Buffer, peer: RemoteInfo, since: number): Promise<void> {
    try {
      const { bytes, rcode } = await this.#responder.lookup(packet, true);
      this.#send(bytes, peer);
      this.#tally.found("udp", rcode, since);
    } catch (error) {
      this.#log.error("a DNS query failed", { error });
    }
  }

  /** Returns whether the bytes are still needed after the call. Usually the kernel has already taken them. */
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
