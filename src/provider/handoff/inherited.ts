import type { ListenPlace } from "../gateway/options.ts";
import type { InheritedService } from "./serviceHandoff.ts";

/**
 * Where a gateway listens whose service another process has served: at that process's place, beside it, unless the
 * settings name another one.
 */
export function placeOf(
  configured: ListenPlace,
  inherited: InheritedService | undefined,
): ListenPlace {
  const there = inherited?.listen;
  if (there === undefined || configured.fd !== undefined) return configured;
  const isMoved = inherited !== undefined && inherited.move > 0;
  const isThere = configured.port === 0 || configured.port === there.port || isMoved;
  return isThere ? { host: there.host, port: there.port, joins: true } : configured;
}
