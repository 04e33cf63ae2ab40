import { checkChain } from "../../chain/client.ts";
import { Services } from "../../chain/services.ts";
import { readMoment } from "../../chain/views/contracts.ts";
import { findService } from "../../chain/views/serviceView.ts";
import { systemTimers } from "../../node/timers.ts";
import { hexToBytes } from "../../protocol/bytes.ts";
import { HORIZON } from "../../protocol/epoch.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { HTTP_PORT } from "../../protocol/exchange.ts";
import { addressOfKey } from "../../protocol/signature.ts";
import { blockcloudDomain } from "../../protocol/typedData.ts";
import type { Hex } from "viem";
import { chainPace } from "../framework/commonFlags.ts";
import { coralOptions } from "../framework/coralFlags.ts";
import { ServiceLabel } from "../framework/values.ts";
import { runWorker } from "../framework/worker.ts";
import { gatewayLimits } from "../provider/gatewayFlags.ts";
import { relaySettings } from "../provider/relayFlags.ts";
import { salLimitsOf } from "../provider/salFlags.ts";
import type { ExposeContext } from "./flags.ts";
import { tellIfSilent } from "./localServer.ts";
import { placeOf } from "./place.ts";
import { tellVisitorsNeeds } from "./visitor.ts";

/**
 * Runs the port as a sub-service.
 *
 * @throws BlockcloudError `SERVICE_UNREGISTERED`, `SERVICE_KEY_OTHER`, `EXPOSE_UNREACHABLE`.
 */
export async function exposeSubService(
  context: ExposeContext,
  root: { under: bigint | ServiceLabel; serviceKey: Hex },
): Promise<number> {
  const { args: given, flags: values, deployment, client } = context;
  const { serviceKey, under } = root;
  await checkChain(client, deployment);
  const { createSubService } = await import("../../provider/subservice/createSubService.ts");
  const { grantLocalDevice } = await import("../../provider/subservice/localDevice.ts");
  const number =
    under instanceof ServiceLabel ? await findService(client, deployment, under.label) : under;
  const { epoch, timestamp } = await readMoment(client, deployment);
  const services = new Services(client, deployment);
  await services.requireRegistered(number);
  const expected = await services.key(number, epoch + HORIZON);
  if (addressOfKey(serviceKey) !== expected) {
    throw new BlockcloudError(
      "SERVICE_KEY_OTHER",
      `The key is ${addressOfKey(serviceKey)}, that of service ${number} ${expected}.`,
      { remedy: "Give the service's newest key." },
    );
  }
  const place = placeOf(values, deployment);
  const domain = blockcloudDomain(BigInt(deployment.chainId), deployment.contracts.registry);
  const { key, grant } = grantLocalDevice(
    { number, key: hexToBytes(serviceKey), domain },
    { use: `port ${given.port}`, label: values.label, forMs: values.for },
    { stateDir: values.state, deployment, now: () => timestamp * 1000 },
  );
  const { serviceId, delegation } = grant;
  await tellIfSilent(context);
  tellVisitorsNeeds(context, serviceId);
  return runWorker(values, {
    name: "expose",
    key,
    deployment,
    takeOver: values.takeOver,
    create: (log, metrics, fail, handoff) =>
      createSubService(
        {
          ...{ rpcUrls: values.rpc, pace: chainPace(values), deployment },
          ...{ serviceId, key, delegation, stateDir: values.state },
          endpoint: values.endpoint?.href,
          upstream: new URL(`http://127.0.0.1:${given.port}`),
          listen: place.listen,
          gateway: gatewayLimits(values),
          sal: salLimitsOf(values),
          ports: portsOf(context),
          relay: { ...relaySettings(values), relays: place.relays },
          coral: coralOptions(values, deployment, {
            name: `subservice-${serviceId}`,
            subscribe: false,
            allowLoopback: values.allowLoopback,
          }),
        },
        { timers: systemTimers, log, metrics, fail, handoff },
      ),
  });
}

/** Port 80 is the gateway; the port's own number leads to the server byte for byte. */
export function portsOf({ args: { port }, flags: { ports = [] } }: ExposeContext) {
  const isNamed = port === HTTP_PORT || ports.some((each) => each.port === port);
  const own = { port, mode: "tcp", to: { host: "127.0.0.1", port } } as const;
  return isNamed ? ports : [own, ...ports];
}
