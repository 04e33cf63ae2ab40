import { systemTimers } from "../../node/timers.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import {
  feeFlags,
  feePolicy,
  previousServiceKeys,
  service,
  serviceKey,
  walletKey,
  chainPace,
  workerFlags,
} from "../framework/commonFlags.ts";
import { coralAllowLoopback, coralFlags, coralOptions } from "../framework/coralFlags.ts";
import { runWorker } from "../framework/worker.ts";
import { endpoint, listen, settleEvery, upstream } from "./flags.ts";
import { gatewayFlags, gatewayLimits } from "./gatewayFlags.ts";

/** The provider serves before the chain can be reached, and checks the chain itself. */
const WITHOUT_CHAIN = { checkChain: false };

/** `blockcloud provider run` */
export const providerRun = chainCommand(
  {
    flags: {
      service,
      upstream,
      listen,
      endpoint,
      settleEvery,
      ...gatewayFlags,
      serviceKey,
      previousServiceKeys,
      walletKey,
      ...coralFlags(0),
      allowLoopback: coralAllowLoopback,
      ...feeFlags,
      ...workerFlags,
    },
    examples: [
      "blockcloud provider run --service 7 --upstream http://127.0.0.1:3000 --listen 0.0.0.0:8080 \\\n" +
        "--endpoint https://weather.example --service-key-file service.key --wallet-key-file wallet.key",
      "blockcloud provider run --service 7 --upstream http://127.0.0.1:3000 --listen 127.0.0.1:8080 \\\n" +
        "--trust-proxy 127.0.0.1 --endpoint https://weather.example --service-key-file service.key \\\n" +
        "--wallet-key-file wallet.key",
    ],
    async run({ flags, deployment }) {
      // The record network takes half a second to load: not for every command.
      const { createProvider } = await import("../../provider/createProvider.ts");
      return runWorker(flags, {
        name: "provider",
        key: flags.walletKey,
        deployment,
        create: (log, metrics, fail) =>
          createProvider(
            {
              rpcUrls: flags.rpc,
              pace: chainPace(flags),
              fees: feePolicy(flags),
              deployment,
              number: flags.service,
              serviceKey: flags.serviceKey,
              previousKeys: flags.previousServiceKeys,
              walletKey: flags.walletKey,
              upstream: flags.upstream,
              listen: flags.listen,
              endpoint: flags.endpoint?.href,
              gateway: gatewayLimits(flags),
              settleEvery: flags.settleEvery,
              stateDir: flags.state,
              coral: coralOptions(flags, deployment, {
                name: `provider-${flags.service}`,
                // It only publishes, and needs no messages of other services.
                subscribe: false,
                allowLoopback: flags.allowLoopback,
              }),
            },
            { timers: systemTimers, log, metrics, fail },
          ),
      });
    },
  },
  WITHOUT_CHAIN,
);
