import { systemTimers } from "../../node/timers.ts";
import { chainCommand, type ChainOptions } from "../framework/chainCommand.ts";
import { chainPace, workerFlags } from "../framework/commonFlags.ts";
import { coralAllowLoopback, coralFlags, coralOptions } from "../framework/coralFlags.ts";
import { runWorker } from "../framework/worker.ts";
import { endpoint, listen, upstream } from "../provider/flags.ts";
import { checkUpstream, gatewayFlags, gatewayLimits } from "../provider/gatewayFlags.ts";
import { relayFlags, relaySettings } from "../provider/relayFlags.ts";
import { salFlags, salLimitsOf } from "../provider/salFlags.ts";
import { delegation, deviceKey, id } from "./flags.ts";

/** The sub-service serves before the chain can be reached, and checks the chain itself. */
const OPTIONS: ChainOptions = {
  checkChain: false,
  check: (resolved, _, problems) => {
    checkUpstream(resolved, problems);
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
      deviceKey,
      ...coralFlags(0),
      allowLoopback: coralAllowLoopback,
      ...workerFlags,
    },
    examples: [
      "blockcloud subservice run --id 0x00000000000000070000000070997970c51812dc3a010c7d01b50e0d17dc79c8 \\\n" +
        "--delegation @delegation --device-key-file device.key --upstream http://127.0.0.1:3000 \\\n" +
        "--listen 0.0.0.0:8080 --endpoint http://203.0.113.7:8080",
    ],
    notes: "It sends no transaction: the device needs no ether.",
    async run({ flags, deployment }) {
      // The record network takes half a second to load: not for every command.
      const { createSubService } = await import("../../provider/subservice/createSubService.ts");
      return runWorker(flags, {
        name: "subservice",
        key: flags.deviceKey,
        deployment,
        create: (log, metrics, fail) =>
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
              coral: coralOptions(flags, deployment, {
                name: `subservice-${flags.id}`,
                subscribe: false,
                allowLoopback: flags.allowLoopback,
              }),
            },
            { timers: systemTimers, log, metrics, fail },
          ),
      });
    },
  },
  OPTIONS,
);
