import type { Hex } from "viem";
import type { Check } from "../framework/command.ts";
import type { ChainContext } from "../framework/chainCommand.ts";
import {
  keyFlags,
  previousServiceKeys,
  service,
  serviceKey,
  transactFlags,
  walletKey,
} from "../framework/commonFlags.ts";
import { optional, text, type Values } from "../framework/flag.ts";
import { nameOf, readSetting } from "../framework/settings.ts";
import { anyText, blocAmount, duration, serviceNamed, wholeNumber } from "../framework/values.ts";
import { agentFlags } from "../provider/agent.ts";
import { listen } from "../provider/flags.ts";
import { checkUpstream, gatewayFlags } from "../provider/gatewayFlags.ts";
import { checkPay } from "../provider/payFlags.ts";
import { relayFlags } from "../provider/relayFlags.ts";
import { checkReplica } from "../provider/replicaFlags.ts";
import { salFlags } from "../provider/salFlags.ts";
import { servingFlags } from "../provider/servingFlags.ts";
import { probeFlag, registrationFlags } from "../service/flags.ts";

/** Flags of a sub-service only. */
const underFlags = {
  label: text("--label <label>", "name of the sub-service under the service's label", anyText, {}),
  for: text("--for <time>", "with --under: validity of the delegation, up to 366d", duration, {
    default: "30d",
  }),
};

/** Flags of a root service only: how it is registered. */
const rootFlags = {
  service: optional(service),
  class: registrationFlags.class,
  probe: {
    ...optional(probeFlag),
    about:
      "probe specification, or @<file> with it (default: GET /, with the status that the server answers now)",
  },
  stake: text("--stake <bloc>", "BLOC to stake (default: the class's minimum)", blocAmount, {}),
  metadata: registrationFlags.metadata,
};

export const flags = {
  under: text(
    "--under <service>",
    "your service below which the port is a sub-service: its number, its label or its ID",
    serviceNamed,
    {},
  ),
  ...underFlags,
  ...rootFlags,
  listen: {
    ...optional(listen),
    about: "address to listen on (default: any port; loopback if relays lead here)",
  },
  ...servingFlags,
  serviceKey: optional(serviceKey),
  previousServiceKeys,
  ...agentFlags,
  walletKey: optional(walletKey),
  ...transactFlags,
  ...keyFlags,
};

export const args = {
  port: text("<port>", "local port of the server", wholeNumber(1, 65_535), { required: true }),
};

/** The context of `expose`. */
export type ExposeContext = ChainContext<typeof flags, typeof args>;
/** The settings of `expose`. */
export type ExposeValues = Values<typeof flags>;
/** The same for a root service: a check has required the wallet. */
export type RootContext = ExposeContext & { flags: { walletKey: Hex } };

/** Flags of a sub-service and of a root service. */
const shared = new Set([
  ...Object.keys({ ...gatewayFlags, ...salFlags, ...relayFlags }),
  ...["endpoint", "ports"],
]);
const notUnder = Object.keys({
  ...rootFlags,
  ...servingFlags,
  ...transactFlags,
  previousServiceKeys,
}).filter((name) => !shared.has(name));

/** Requires the keys that are needed, and refuses flags that would have no effect. */
export const checkExpose: Check = (resolved, sources, problems) => {
  const { found, values } = resolved;
  const isUnder = found.under !== undefined;
  for (const name of isUnder ? notUnder : Object.keys(underFlags)) {
    const { source = "" } = found[name] ?? {};
    // The configuration file and the environment may be there for other commands.
    if (!source.startsWith("--")) continue;
    problems.add(
      isUnder
        ? `${source}: it is for a service of its own. Leave it out, or ${nameOf(flags.under)}.`
        : `${source}: it is for a sub-service. Give ${nameOf(flags.under)}, too.`,
    );
  }
  const [name, key] = isUnder
    ? (["serviceKey", serviceKey] as const)
    : (["walletKey", walletKey] as const);
  if (values[name] === undefined) readSetting(key, found[name], sources, problems);
  checkUpstream(resolved, problems);
  if (isUnder) return;
  checkReplica(resolved, problems);
  checkPay(resolved, problems);
};
