import type { Logger } from "../../node/logger.ts";
import type { ListenPlace } from "../gateway/options.ts";
import type { InheritedService } from "./serviceHandoff.ts";

/**
 * Where a gateway listens whose service another process has served: at that process's place, beside it, unless the
 * settings name another one. After a move that another process has followed, the settings are older than the place:
 * they are ignored, which the log says.
 */
export function placeOf(
  configured: ListenPlace,
  inherited: InheritedService | undefined,
  log: Pick<Logger, "warn">,
): ListenPlace {
  const there = inherited?.listen;
  if (there === undefined || configured.fd !== undefined) return configured;
  const isSame = configured.port === 0 || configured.port === there.port;
  if (!isSame && !(inherited !== undefined && inherited.move > 0)) return configured;
  if (!isSame) {
    log.warn("the address to listen at is ignored: the service has moved since", {
      configured: `${configured.host}:${configured.port}`,
      listens: `${there.host}:${there.port}`,
    });
  }
  return { host: there.host, port: there.port, joins: true };
}
