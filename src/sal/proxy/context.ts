import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Logger } from "../../node/logger.ts";
import type { Timers } from "../../node/timers.ts";
import type { Access } from "./access.ts";
import type { ProxyForm } from "./dial.ts";
import { failureOf } from "./failures.ts";
import { GONE } from "./errors.ts";
import type { ProxyObserver } from "./observer.ts";
import type { ProxySettings } from "./options.ts";
import type { Route } from "./route.ts";
import { Splice } from "../splice.ts";
import { clientGone, flowLost } from "./errors.ts";

/** What all connections of a proxy share. */
export interface ProxyContext {
  settings: ProxySettings;
  route: Route;
  access: Access;
  timers: Timers;
  observer: ProxyObserver;
  logger: Logger;
  /** Ends TLS for programs that asked the proxy for a tunnel; undefined without an authority. */
  secure?: SecureTunnels | undefined;
  /** What stops at once when the proxy does, by a reset. */
  running: Set<Running>;
}

/** Tunnels whose TLS the proxy ends in the name of a service. */
export interface SecureTunnels {
  takes(target: { host: string; port: number }): boolean;
  /** Serves a tunnel that the program was told to be open; never throws. */
  serve(client: Socket, host: string): Promise<void>;
}

/** A joined connection, or a response that is being sent. */
export interface Running {
  abort(error: Error): void;
}

/** Joins a program's connection and its flow until both are closed; never throws. */
export async function join(
  client: Socket,
  flow: Duplex,
  form: ProxyForm,
  { settings, timers, observer, logger, running }: ProxyContext,
): Promise<void> {
  const { idleMs, halfClosedMs } = settings;
  const splice = new Splice(client, flow, {
    ...{ timers, idleMs, halfClosedMs },
    gone: { socket: clientGone, flow: flowLost },
  });
  running.add(splice);
  observer.opened(form);
  const error = await splice.closed;
  running.delete(splice);
  observer.closed(form, splice);
  if (error !== undefined) logger.debug("Connection lost", { form, cause: codeOf(error) });
}

/** Tells the observer and the log that a program does not get what it asked for. */
export function report(
  error: unknown,
  form: ProxyForm | undefined,
  { observer, logger }: ProxyContext,
): void {
  const { code } = failureOf(error);
  if (code !== GONE) observer.refused(code);
  logger.debug("Request failed", { form, cause: codeOf(error) });
}

/** The code of an error, for the log: a message may contain what a program asked for. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  return (error as NodeJS.ErrnoException).code ?? error.name;
}
