import type { Deployment } from "../../chain/deployment.ts";
import { systemTimers } from "../../node/timers.ts";
import type { AgentOptions } from "../../provider/createProviders.ts";
import type { ProviderOptions } from "../../provider/createProvider.ts";
import {
  type chainFlags,
  chainPace,
  feeFlags,
  feePolicy,
  walletKey,
  workerFlags,
} from "../framework/commonFlags.ts";
import { coralAllowLoopback, coralFlags, coralOptions } from "../framework/coralFlags.ts";
import type { Values } from "../framework/flag.ts";
import { runWorker } from "../framework/worker.ts";
import type { singleFlags } from "./chooseServices.ts";
import { takeOver } from "./flags.ts";
import { gatewayLimits } from "./gatewayFlags.ts";
import { paySettings } from "./payFlags.ts";
import { relaySettings } from "./relayFlags.ts";
import { replicaSettings } from "./replicaFlags.ts";
import { salLimitsOf } from "./salFlags.ts";

/** Flags of a provider's agent, whichever services it serves. */
export const agentFlags = {
  walletKey,
  takeOver,
  ...coralFlags(0),
  allowLoopback: coralAllowLoopback,
  ...feeFlags,
  ...workerFlags,
};

type AgentValues = Values<typeof agentFlags> & Pick<Values<typeof chainFlags>, "rpc">;

/** The settings of an agent with one service. */
export type OneService = AgentValues & Values<typeof singleFlags>;

/**
 * The options that {@link agentFlags} give.
 *
 * @param node Tells the agent's node of the record network from others of the state folder.
 */
export function agentOf(
  flags: AgentValues,
  deployment: Deployment,
  node: bigint | string,
): AgentOptions {
  return {
    rpcUrls: flags.rpc,
    pace: chainPace(flags),
    fees: feePolicy(flags),
    deployment,
    walletKey: flags.walletKey,
    stateDir: flags.state,
    coral: coralOptions(flags, deployment, {
      name: `provider-${node}`,
      // It only publishes, and needs no messages of other services.
      subscribe: false,
      allowLoopback: flags.allowLoopback,
    }),
  };
}

/**
 * Runs an agent with one service until a signal stops it.
 *
 * @returns The exit code.
 */
export async function runOne(flags: OneService, deployment: Deployment): Promise<number> {
  // The record network takes half a second to load: not for every command.
  const { createProvider } = await import("../../provider/createProvider.ts");
  const { takeOver } = flags;
  const agent = agentOf(flags, deployment, flags.service);
  return runWorker(flags, {
    ...{ name: "provider", key: flags.walletKey, deployment, takeOver },
    create: (log, metrics, fail, handoff) =>
      createProvider(
        { ...agent, ...settingsOf(flags) },
        { timers: systemTimers, log, metrics, fail, handoff },
      ),
  });
}

function settingsOf(flags: OneService): Omit<ProviderOptions, keyof AgentOptions> {
  return {
    number: flags.service,
    serviceKey: flags.serviceKey,
    previousKeys: flags.previousServiceKeys,
    upstream: flags.upstream,
    listen: flags.listen,
    endpoint: flags.endpoint?.href,
    gateway: gatewayLimits(flags),
    replica: replicaSettings(flags),
    ports: flags.ports,
    sal: salLimitsOf(flags),
    relay: relaySettings(flags),
    graceMs: flags.drain,
    settleEvery: flags.settleEvery,
    pay: paySettings(flags, flags.allowLoopback),
  };
}
