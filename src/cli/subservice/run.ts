import type { Hex } from "viem";
import { systemTimers } from "../../node/timers.ts";
import type { OwnPaySettings } from "../../provider/pay/ownPay.ts";
import { chainCommand, type ChainOptions } from "../framework/chainCommand.ts";
import {
  chainPace,
  feeFlags,
  feePolicy,
  walletKey,
  workerFlags,
} from "../framework/commonFlags.ts";
import { coralAllowLoopback, coralFlags, coralOptions } from "../framework/coralFlags.ts";
import { optional, type Values } from "../framework/flag.ts";
import { runWorker } from "../framework/worker.ts";
import { endpoint, listen, takeOver, upstream } from "../provider/flags.ts";
import { checkUpstream, gatewayFlags, gatewayLimits } from "../provider/gatewayFlags.ts";
import { relayFlags, relaySettings } from "../provider/relayFlags.ts";
import { checkPay, payFlags, paySettings } from "../provider/payFlags.ts";
import { salFlags, salLimitsOf } from "../provider/salFlags.ts";
import { delegation, deviceKey, id } from "./flags.ts";

/** The sub-service serves before the chain can be reached, and checks the chain itself. */
const OPTIONS: ChainOptions = {
  checkChain: false,
  check: (resolved, _, problems) => {
    checkUpstream(resolved, problems);
    checkPay(resolved, problems);
    const { values, found } = resolved;
    if (values.price === undefined || values.walletKey !== undefined) return;
    problems.add(`${found.price?.source ?? "--price"}: give --wallet-key-file, too.`);
  },
};

/** `blockcloud subservice run` */
export const subserviceRun = chainCommand(
  {
    flags: {
      id,
      delegation,
      upstream,
      listen,
      endpoint,
      ...gatewayFlags,
      ...salFlags,
      ...relayFlags,
      ...payFlags,
      deviceKey,
      walletKey: optional(walletKey),
      takeOver,
      ...coralFlags(0),
      allowLoopback: coralAllowLoopback,
      ...feeFlags,
      ...workerFlags,
    },
    examples: [
      "blockcloud subservice run --id 0x00000000000000070000000070997970c51812dc3a010c7d01b50e0d17dc79c8 \\\n" +
        "--delegation @delegation --device-key-file device.key --upstream http://127.0.0.1:3000 \\\n" +
        "--listen 0.0.0.0:8080 --endpoint http://203.0.113.7:8080",
      "blockcloud subservice run --id 0x00000000000000070000000070997970c51812dc3a010c7d01b50e0d17dc79c8 \\\n" +
        "--delegation @delegation --device-key-file device.key --upstream http://127.0.0.1:3000 \\\n" +
        "--listen 0.0.0.0:8080 --price 0.002/MB --bloc-price 0.0003 --wallet-key-file wallet.key",
    ],
    notes: `Without --price it sends no transaction: the device needs no ether. With --price users pay it by tabs of its
root service, whose payout address gets the pay; --wallet-key-file names the key that opens tabs and redeems.`,
    async run({ flags, deployment }) {
      // The record network takes half a second to load: not for every command.
      const { createSubService } = await import("../../provider/subservice/createSubService.ts");
      return runWorker(flags, {
        name: "subservice",
        key: flags.deviceKey,
        deployment,
        takeOver: flags.takeOver,
        create: (log, metrics, fail, handoff) =>
          createSubService(
            {
              rpcUrls: flags.rpc,
              pace: chainPace(flags),
              deployment,
              serviceId: flags.id,
              key: flags.deviceKey,
              delegation: flags.delegation,
              upstream: flags.upstream,
              listen: flags.listen,
              endpoint: flags.endpoint?.href,
              gateway: gatewayLimits(flags),
              sal: salLimitsOf(flags),
              relay: relaySettings(flags),
              stateDir: flags.state,
              pay: payOf(flags),
              coral: coralOptions(flags, deployment, {
                name: `subservice-${flags.id}`,
                subscribe: false,
                allowLoopback: flags.allowLoopback,
              }),
            },
            { timers: systemTimers, log, metrics, fail, handoff },
          ),
      });
    },
  },
  OPTIONS,
);

function payOf(
  flags: Values<typeof payFlags> &
    Values<typeof feeFlags> & { walletKey: Hex | undefined; allowLoopback: boolean },
): OwnPaySettings | undefined {
  const settings = paySettings(flags, flags.allowLoopback);
  const { walletKey: key } = flags;
  return settings && key && { ...settings, walletKey: key, fees: feePolicy(flags) };
}
