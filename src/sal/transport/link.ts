import type { Scheduler } from "../../node/scheduler.ts";

/** What takes the bytes of a link; the owner of a link changes from handshake to session. */
export interface LinkHandler {
  data(chunk: Buffer): void;
  /** Bytes were handed to the network: `queued` is smaller now. */
  drained(): void;
  /** The link is over; called once, also after `destroy`. */
  closed(error?: Error): void;
}

/** An address without brackets, and a port. */
export interface Place {
  readonly address: string;
  readonly port: number;
}

/** What is known of a link that a relay passes on. */
export interface Relayed {
  /** At the provider: the client's address and port, as the relay saw them. */
  readonly visitor?: Place | undefined;
  /** At the provider: this end's address and port, as the relay saw them. */
  readonly self?: Place | undefined;
}

/** A secured connection between two processes. It gives bytes in order until it breaks, and then no more. */
export interface Link {
  /** The other end. */
  readonly peer: Place;
  /** Port of this host. If the link is relayed, it may be dialled from again. */
  readonly localPort: number;
  /** Undefined if the two ends are connected directly. */
  readonly relayed: Relayed | undefined;
  handler: LinkHandler;
  /** Bytes that were written and are not yet handed to the network. */
  readonly queued: number;
  /** TLS records under one key, in the direction that has more: no fewer than there were. */
  readonly records: number;
  /**
   * Keying material that only the two ends of this connection can compute (RFC 8446, 7.5): 32 bytes.
   *
   * @param context Distinguishes several values under one label.
   */
  exporter(label: string, context?: Buffer): Buffer;
  /** The bytes must not change before the peer acknowledged them. */
  write(bytes: Buffer): void;
  /** Sends what is queued, then closes. */
  end(): void;
  destroy(): void;
}

/** Where to dial. */
export interface DialTarget {
  /** An address, or a name of the DNS, without brackets. */
  host: string;
  port: number;
  /** TLS server name: the service's raw name. */
  serverName: string;
  /** Whether a relay is dialled: then the link's local port may be dialled from again. */
  isRelay?: boolean;
}

/** Makes links. The SAL knows no more of the network than this. */
export interface Transport {
  /**
   * @throws BlockcloudError `NET_REFUSED` for an address that the rules forbid, `SAL_NO_PATH`; or the signal's reason.
   */
  dial(target: DialTarget, signal: AbortSignal): Promise<Link>;
}

/** How long a link that is not used any more may take to send what is queued, milliseconds. */
const RETIRE_MS = 10_000;

/** Takes no more from a link, sends what is queued, and closes it in any case. */
export function retire(link: Link, clock: Scheduler): void {
  const cancel = clock.after(RETIRE_MS, () => {
    link.destroy();
  });
  link.handler = { data: () => {}, drained: () => {}, closed: cancel };
  link.end();
}
