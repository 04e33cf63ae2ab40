import { isLoopback, isReachable } from "../../net/addresses.ts";
import { ownAddresses } from "../../node/interfaces.ts";
import { systemTimers } from "../../node/timers.ts";
import { rawName } from "../../protocol/name.ts";
import { hexToBytes } from "../../protocol/bytes.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { addressOfKey } from "../../protocol/signature.ts";
import { blockcloudDomain } from "../../protocol/typedData.ts";
import { readMoment } from "../../chain/views/contracts.ts";
import { Services } from "../../chain/services.ts";
import { findService } from "../../chain/views/serviceView.ts";
import { HORIZON } from "../../protocol/epoch.ts";
import { HTTP_PORT } from "../../protocol/exchange.ts";
import { parseRelay, type RelayAddress } from "../../sal/relay/relayName.ts";
import type { Deployment } from "../../chain/deployment.ts";
import { chainCommand, type ChainContext } from "../framework/chainCommand.ts";
import { chainPace, serviceKey, workerFlags } from "../framework/commonFlags.ts";
import { coralAllowLoopback, coralFlags, coralOptions } from "../framework/coralFlags.ts";
import { text, type Values } from "../framework/flag.ts";
import {
  anyText,
  duration,
  hostAndPort,
  serviceNamed,
  ServiceLabel,
  wholeNumber,
} from "../framework/values.ts";
import { relayFlags, relaySettings } from "../provider/relayFlags.ts";
import { runWorker } from "../framework/worker.ts";

const flags = {
  under: text(
    "--under <service>",
    "your service below which the port is a sub-service: its number, its label or its ID",
    serviceNamed,
    { required: true },
  ),
  label: text("--label <label>", "name of the sub-service under the service's label", anyText, {}),
  for: text("--for <time>", "validity of the delegation, up to 366d", duration, {
    default: "30d",
  }),
  listen: text(
    "--listen <host:port>",
    "address to listen on (default: any port; loopback if relays lead here)",
    hostAndPort,
    {},
  ),
  ...relayFlags,
  serviceKey,
  ...coralFlags(0),
  allowLoopback: coralAllowLoopback,
  ...workerFlags,
};

const args = {
  port: text("<port>", "local port of the server", wholeNumber(1, 65_535), { required: true }),
};

/** `blockcloud expose` */
export const expose = chainCommand({
  args,
  flags,
  examples: [
    "blockcloud expose 3000 --under 7 --relay relay.example:4180 relay2.example:4180 \\\n" +
      "--service-key-file service.key",
    "blockcloud expose 22 --under weather --label roof --relay relay.example:4180 relay2.example:4180 \\\n" +
      "--service-key-file service.key",
  ],
  notes: `It sends no transaction: the port is a sub-service, to which the service's key delegates. A visitor reaches it
over HTTP at port 80, with receipts, and byte for byte at the port's own number. The sub-service has the same ID each
time. A host that others reach needs no relay; one behind NAT needs two. Without the service's key, use "subservice
add" where it is and "subservice run --relay" here.`,
  async run(context) {
    const { args: given, flags: values, deployment, client, progress } = context;
    const { createSubService } = await import("../../provider/subservice/createSubService.ts");
    const { grantLocalDevice } = await import("../../provider/subservice/localDevice.ts");
    const number = await underOf(context);
    const { epoch, timestamp } = await readMoment(client, deployment);
    const expected = await new Services(client, deployment).key(number, epoch + HORIZON);
    if (addressOfKey(values.serviceKey) !== expected) {
      throw new BlockcloudError(
        "SERVICE_KEY_OTHER",
        `The key is ${addressOfKey(values.serviceKey)}, that of service ${number} ${expected}.`,
        { remedy: "Give the service's newest key." },
      );
    }
    const place = placeOf(values, deployment);
    const domain = blockcloudDomain(BigInt(deployment.chainId), deployment.contracts.registry);
    const { key, grant } = grantLocalDevice(
      { number, key: hexToBytes(values.serviceKey), domain },
      { use: `port ${given.port}`, label: values.label, forMs: values.for },
      { stateDir: values.state, deployment, now: () => timestamp * 1000 },
    );
    const { serviceId, delegation } = grant;
    const to = { host: "127.0.0.1", port: given.port };
    progress.say(visitorNeeds(rawName(serviceId), given.port));
    return runWorker(values, {
      name: "expose",
      key,
      deployment,
      create: (log, metrics, fail) =>
        createSubService(
          {
            ...{ rpcUrls: values.rpc, pace: chainPace(values), deployment },
            ...{ serviceId, key, delegation, stateDir: values.state, endpoint: undefined },
            upstream: new URL(`http://127.0.0.1:${given.port}`),
            listen: place.listen,
            ports: given.port === HTTP_PORT ? [] : [{ port: given.port, mode: "tcp", to }],
            relay: { ...relaySettings(values), relays: place.relays },
            coral: coralOptions(values, deployment, {
              name: `subservice-${serviceId}`,
              subscribe: false,
              allowLoopback: values.allowLoopback,
            }),
          },
          { timers: systemTimers, log, metrics, fail },
        ),
    });
  },
});

/** The number of the service; a label is looked up on chain. */
async function underOf({
  flags: { under },
  client,
  deployment,
}: ChainContext<typeof flags, typeof args>): Promise<bigint> {
  const given: unknown = under;
  if (given instanceof ServiceLabel) return findService(client, deployment, given.label);
  return under;
}

/**
 * Where the sub-service is reached: at this host's own public address, or through relays.
 *
 * @throws BlockcloudError `EXPOSE_UNREACHABLE` if nobody could reach it.
 */
function placeOf(
  { listen, relays, allowLoopback }: Values<typeof flags>,
  deployment: Deployment,
): { listen: { host: string; port: number }; relays: readonly RelayAddress[] } {
  const known = (deployment.relays ?? []).flatMap((relay) => parseRelay(relay) ?? []);
  const isOpen = ownAddresses().some((address) => isReachable(address, false));
  const isHere = listen !== undefined && isLoopback(listen.host) && allowLoopback;
  const chosen = relays ?? (isOpen || isHere ? [] : known);
  if (chosen.length === 0 && !isOpen && !isHere) {
    throw new BlockcloudError("EXPOSE_UNREACHABLE", "This host has no public address.", {
      remedy: "Give --relay host:port, two of them.",
    });
  }
  const host = chosen.length > 0 ? "127.0.0.1" : "0.0.0.0";
  return { listen: listen ?? { host, port: 0 }, relays: chosen };
}

function visitorNeeds(name: string, port: number): string {
  return [
    `service      ${name}`,
    "a visitor needs the command blockcloud, an RPC endpoint, and one of:",
    `  blockcloud fetch bloc://${name}/`,
    `  blockcloud connect ${name} --port ${port}`,
    `  blockcloud proxy --listen 127.0.0.1:1080   and then`,
    `  curl --proxy socks5h://127.0.0.1:1080 http://${name}/`,
  ].join("\n");
}
