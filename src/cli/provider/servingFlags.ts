import type { Resolved } from "../framework/resolve.ts";
import type { Problems } from "../framework/settings.ts";
import { drain, endpoint, ports, settleEvery } from "./flags.ts";
import { checkUpstream, gatewayFlags } from "./gatewayFlags.ts";
import { checkPay, payFlags } from "./payFlags.ts";
import { relayFlags } from "./relayFlags.ts";
import { checkReplica, replicaFlags } from "./replicaFlags.ts";
import { salFlags } from "./salFlags.ts";

/** How a service is served, whichever it is. */
export const servingFlags = {
  endpoint,
  ports,
  drain,
  settleEvery,
  ...replicaFlags,
  ...gatewayFlags,
  ...salFlags,
  ...relayFlags,
  ...payFlags,
};

/** Checks the settings of one service together. */
export function checkServing(resolved: Resolved, problems: Problems): void {
  checkUpstream(resolved, problems);
  checkReplica(resolved, problems);
  checkPay(resolved, problems);
}
