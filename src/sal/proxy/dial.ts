import type { Duplex } from "node:stream";

/** The forms of request that a proxy answers. */
export const proxyForms = ["socks5", "connect", "http", "mapped"] as const;
export type ProxyForm = (typeof proxyForms)[number];

/** The program that asked for a connection. */
export interface DialClient {
  address: string;
  port: number;
  form: ProxyForm;
}

/** What a program wants to reach. */
export interface DialTarget {
  /** A name under `bloc.alt` or `bloc.internal`, in lower case and without the final dot. */
  host: string;
  port: number;
  client: DialClient;
}

/**
 * Opens a flow to a service.
 *
 * The flow is half-open (`allowHalfOpen: true`): each direction ends by itself. It emits `error` if a direction did
 * not end by FIN, and `destroy()` resets the other side unless both directions have ended.
 *
 * @param signal Aborted when the program has gone, or when the time to connect is over.
 * @throws BlockcloudError
 */
export type Dial = (target: DialTarget, signal: AbortSignal) => Promise<Duplex>;

/**
 * Opens a connection to a destination that is no service, within the rules of what may be dialled. Its result is as
 * that of {@link Dial}.
 *
 * @param host A name or an address, without brackets.
 * @throws BlockcloudError
 */
export type Direct = (host: string, port: number, signal: AbortSignal) => Promise<Duplex>;
