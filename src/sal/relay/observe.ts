import { connect, isIP } from "node:net";
import type { DialRules } from "../../net/dialRules.ts";
import type { Scheduler } from "../../node/scheduler.ts";
import type { Place } from "../transport/link.ts";
import { ANY, secure } from "../transport/tlsTransport.ts";
import { ControlLink } from "./controlLink.ts";
import { relayError } from "./errors.ts";
import { decodePlace, RELAY_ALPN, RelayFrame } from "./frames.ts";
import { relayName, type RelayAddress } from "./relayName.ts";

/** How a relay sees a connection. */
export interface Observation {
  relay: string;
  /** This host's end, as the host sees it, and as the relay does. */
  local: Place;
  seen: Place;
}

/** How long a relay may be silent, milliseconds. */
const SILENT_MS = 5_000;

/**
 * Asks a relay where a connection comes from; nothing is reserved.
 *
 * @param localPort Port of this host, to compare what several relays see of it; 0: any.
 * @throws BlockcloudError `RELAY_UNREACHABLE`, `SAL_NO_PATH`; or the signal's reason.
 */
export async function observe(
  relay: RelayAddress,
  localPort: number,
  { rules, clock }: { rules: DialRules; clock: Scheduler },
  signal: AbortSignal,
): Promise<Observation> {
  const { host, port } = relay;
  const name = relayName(relay);
  const found = await rules.addressesOf(host, signal);
  const { address } = found.find(({ family }) => family === 4) ?? found[0] ?? { address: host };
  const tcp = connect({ host: address, port, localAddress: ANY[isIP(address)] ?? "", localPort });
  const names = { serverName: isIP(host) === 0 ? host : "", where: name, protocol: RELAY_ALPN };
  const link = await secure(tcp, names, signal);
  const local = { address: tcp.localAddress ?? "", port: tcp.localPort ?? 0 };
  const { promise, resolve, reject } = Promise.withResolvers<Place>();
  const handler = {
    frame: (type: number, payload: Buffer) => {
      if (type === RelayFrame.seen) resolve(decodePlace(payload));
    },
    ended: reject,
  };
  const control = new ControlLink(link, handler, clock, { pingMs: 0, silentMs: SILENT_MS });
  const abort = () => {
    control.destroy(relayError("unreachable", `The relay ${name} did not say what it sees.`));
  };
  signal.addEventListener("abort", abort, { once: true });
  try {
    return { relay: name, local, seen: await promise };
  } finally {
    signal.removeEventListener("abort", abort);
    control.destroy(relayError("lost", "The relay has answered."));
  }
}
