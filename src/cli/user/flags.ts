import type { Client } from "../../client/client.ts";
import type { Deployment } from "../../chain/deployment.ts";
import { hexToBytes } from "../../protocol/bytes.ts";
import { rootServiceId } from "../../protocol/serviceId.ts";
import { resolverUrl } from "../framework/commonFlags.ts";
import { bootstrapOf, coralAllowLoopback, coralFlags } from "../framework/coralFlags.ts";
import { key, text, toggle, type Values } from "../framework/flag.ts";
import { anyText, wholeNumber } from "../framework/values.ts";
import type { ClientEnvironment } from "../../client/createClient.ts";

/** The service of a command for users. */
export const serviceArgument = text(
  "<service>",
  "number, label, name or ID of the service",
  anyText,
  { required: true },
);

/** Flags of commands that use services as their users do. */
export const userFlags = {
  resolver: resolverUrl,
  coralBootstrap: coralFlags(0).coralBootstrap,
  allowLoopback: coralAllowLoopback,
  identity: key(
    "--identity-file <path>",
    "file with a secret of 32 bytes, mode 600: a key for each service that asks who its client is",
    { env: "BLOCKCLOUD_IDENTITY", config: "keys.identity" },
  ),
  relayOnly: toggle("--relay-only", "stay on a service's relays; no direct path is tried", {
    config: "user.relayOnly",
  }),
  lan: toggle("--lan", "reach services in this host's own networks directly, too", {
    config: "user.lan",
  }),
  directTries: text(
    "--direct-tries <count>",
    "direct paths that are tried a minute, in all; half of them for one service",
    wholeNumber(1, 1_000),
    { config: "user.directTries", default: "10" },
  ),
};

/**
 * The client of a command. Answers of resolvers are checked against the chain.
 *
 * @param environment.payer Pays for services; without it, they serve only their free allowance.
 */
export async function clientOf(
  flags: Values<typeof userFlags> & { readonly rpc: readonly string[] },
  deployment: Deployment,
  environment: ClientEnvironment,
  limits: { maxSessions?: number; sessionMs?: number } = {},
): Promise<Client> {
  // Loaded here: not every command needs it.
  const { createClient } = await import("../../client/createClient.ts");
  const { resolver, coralBootstrap, allowLoopback, identity, rpc } = flags;
  const { relayOnly, lan, directTries: triesPerMinute } = flags;
  return createClient(
    {
      ...{ deployment, rpc, allowLoopback, ...limits },
      direct: { relayOnly, lan, triesPerMinute },
      ...(resolver === undefined
        ? { bootstrap: bootstrapOf(coralBootstrap, deployment) }
        : { resolver }),
      ...(identity !== undefined && { identity: hexToBytes(identity) }),
    },
    environment,
  );
}

/** A number or a label alone, as commands take them, written out. */
export function fullName(name: string): string {
  if (/^\d{1,11}$/.test(name) && BigInt(name) > 0n) return rootServiceId(BigInt(name));
  return /^[a-z0-9-]{1,63}$/i.test(name) && !/^0x/i.test(name) ? `${name}.bloc.alt` : name;
}
