import { alertFlags } from "./alerts/flags.ts";
import * as auditor from "./auditor/flags.ts";
import * as cashier from "./cashier/flags.ts";
import { consoleFlags } from "./console/flags.ts";
import * as common from "./framework/commonFlags.ts";
import { coralAllowLoopback, coralFlags } from "./framework/coralFlags.ts";
import type { Flag } from "./framework/flag.ts";
import type { Places } from "./framework/resolve.ts";
import * as faucet from "./faucet/flags.ts";
import { faucetFrontFlags } from "./faucet/frontFlags.ts";
import * as indexer from "./indexer/flags.ts";
import { indexerFrontFlags } from "./indexer/frontFlags.ts";
import * as keeper from "./keeper/flags.ts";
import * as provider from "./provider/flags.ts";
import { gatewayFlags } from "./provider/gatewayFlags.ts";
import { payFlags as providerPayFlags } from "./provider/payFlags.ts";
import { salFlags } from "./provider/salFlags.ts";
import { relayFlags as providerRelayFlags } from "./provider/relayFlags.ts";
import { replicaFlags } from "./provider/replicaFlags.ts";
import { relayFlags } from "./relay/flags.ts";
import * as resolver from "./resolver/flags.ts";
import { limitFlags } from "./resolver/limitFlags.ts";
import * as subservice from "./subservice/flags.ts";
import { userFlags } from "./user/flags.ts";
import { mapFlags } from "./user/mapFlags.ts";
import { payFlags } from "./user/payFlags.ts";
import { proxyFlags } from "./user/proxyFlags.ts";

/**
 * All flags of all commands that have a place in the configuration file. Each command checks the whole file
 * without loading the other commands. A test compares the list with the commands.
 */
const flags: readonly Flag<unknown>[] = [
  ...Object.values(common.chainFlags),
  ...Object.values(common.keyFlags),
  ...Object.values(common.feeFlags),
  ...Object.values(common.workerFlags),
  ...[common.walletKey, common.serviceKey, common.previousServiceKeys],
  ...[common.ownerKey, common.operatorKey, common.service, common.auditor, common.resolverUrl],
  ...Object.values(coralFlags(0)),
  coralAllowLoopback,
  ...Object.values(alertFlags),
  ...Object.values(auditor),
  ...Object.values(cashier),
  ...Object.values(consoleFlags),
  ...Object.values(faucet),
  ...Object.values(faucetFrontFlags),
  ...Object.values(indexer),
  ...Object.values(indexerFrontFlags),
  ...Object.values(keeper),
  ...Object.values(provider),
  ...Object.values(gatewayFlags),
  ...Object.values(salFlags),
  ...Object.values(providerPayFlags),
  ...Object.values(providerRelayFlags),
  ...Object.values(replicaFlags),
  ...Object.values(relayFlags),
  ...Object.values(resolver),
  ...Object.values(limitFlags),
  ...Object.values(subservice),
  ...Object.values(userFlags),
  ...Object.values(payFlags),
  ...Object.values(proxyFlags),
  ...Object.values(mapFlags),
];

/** The places of a configuration file, each with its flag. */
export const places: Places = new Map(
  flags.flatMap((flag) => (flag.options.config === undefined ? [] : [[flag.options.config, flag]])),
);
