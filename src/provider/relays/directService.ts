import type { AddressInfo, Socket } from "node:net";
import { DialRules } from "../../net/dialRules.ts";
import { ownAddresses } from "../../node/interfaces.ts";
import type { Startable } from "../../node/lifecycle.ts";
import type { Logger } from "../../node/logger.ts";
import type { Scheduler } from "../../node/scheduler.ts";
import { defaultGateway } from "../../sal/upgrade/mapping/defaultGateway.ts";
import { NAT_PMP_PORT, NatPmp } from "../../sal/upgrade/mapping/natPmp.ts";
import { PortMapper } from "../../sal/upgrade/mapping/portMapper.ts";
import { listeningPlaces } from "../../sal/upgrade/places.ts";
import { ProviderDirect } from "../../sal/upgrade/providerDirect.ts";
import type { DirectSettings } from "../../sal/upgrade/settings.ts";

/** How clients of a relayed service may leave its relays. */
export interface DirectServiceSettings extends DirectSettings {
  /** The gateway is asked to lead a port here. */
  mapPort?: boolean | undefined;
}

/**
 * Builds what lets clients leave the relays of a service. After `leave` another process of the service has the port of
 * the gateway.
 */
export function createDirect(
  settings: DirectServiceSettings,
  { clock, log }: { clock: Scheduler; log: Logger },
  {
    listening,
    accept,
  }: {
    /** Undefined once nothing listens: sessions live longer than their server. */
    listening(): AddressInfo | undefined;
    accept(socket: Socket): void;
  },
): { direct: ProviderDirect; part: Startable; leave(): void } {
  const { mapPort = false, relayOnly = false } = settings;
  const mapper =
    mapPort && !relayOnly
      ? new PortMapper(() => listening()?.port, {
          ...{ clock, log },
          gateway: () => {
            const address = defaultGateway();
            return address === undefined
              ? undefined
              : new NatPmp({ address, port: NAT_PMP_PORT }, clock);
          },
        })
      : undefined;
  const direct = new ProviderDirect(settings, {
    ...{ clock, log, accept },
    rules: new DialRules({ allowLoopback: false }),
    places: () => {
      const mapped = mapper?.candidate;
      const own = listening();
      const places = own === undefined ? [] : listeningPlaces([own], ownAddresses());
      return mapped === undefined ? places : [mapped, ...places];
    },
  });
  return {
    direct,
    leave: () => mapper?.leave(),
    part: {
      start: async () => {
        await mapper?.start();
      },
      stop: async () => {
        direct.stop();
        await mapper?.stop();
      },
    },
  };
}
