import { systemTimers } from "../../node/timers.ts";
import { addressOfKey } from "../../protocol/signature.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import {
  chainPace,
  feeFlags,
  feePolicy,
  keyFlags,
  walletKey,
  workerFlags,
} from "../framework/commonFlags.ts";
import { coralAllowLoopback, coralFlags, coralOptions } from "../framework/coralFlags.ts";
import type { Values } from "../framework/flag.ts";
import { runWorker } from "../framework/worker.ts";
import { chooseServices, serviceFlags, type singleFlags } from "./chooseServices.ts";
import { gatewayLimits } from "./gatewayFlags.ts";
import { paySettings } from "./payFlags.ts";
import { relaySettings } from "./relayFlags.ts";
import { takeOver } from "./flags.ts";
import { salLimitsOf } from "./salFlags.ts";
import { replicaSettings } from "./replicaFlags.ts";

/** The provider serves before the chain can be reached, and checks the chain itself. */
const OPTIONS = { checkChain: false, check: chooseServices };

/** `blockcloud provider run` */
export const providerRun = chainCommand(
  {
    flags: {
      ...serviceFlags,
      walletKey,
      takeOver,
      ...coralFlags(0),
      allowLoopback: coralAllowLoopback,
      ...feeFlags,
      ...workerFlags,
      ...keyFlags,
    },
    examples: [
      "blockcloud provider run --service 7 --upstream http://127.0.0.1:3000 --listen 0.0.0.0:8080 \\\n" +
        "--endpoint https://weather.example --service-key-file service.key --wallet-key-file wallet.key",
      "blockcloud provider run --service 7 --upstream http://127.0.0.1:3000 --listen 127.0.0.1:8080 \\\n" +
        "--trust-proxy 127.0.0.1 --endpoint https://weather.example --service-key-file service.key \\\n" +
        "--wallet-key-file wallet.key",
      "blockcloud provider run --service 7 --upstream http://127.0.0.1:3000 --listen 0.0.0.0:8080 \\\n" +
        "--endpoint http://203.0.113.8:8080 --join http://10.0.0.1:7070 --weight 2 \\\n" +
        "--service-key-file service.key --wallet-key-file wallet.key",
      "blockcloud provider run --service 7 --upstream http://127.0.0.1:3000 --listen 0.0.0.0:8080 \\\n" +
        "--endpoint https://weather.example --price '0.002/MB|0.0001/request' --bloc-price 0.0003 \\\n" +
        "--service-key-file service.key --wallet-key-file wallet.key",
      "blockcloud provider run --service 7 --upstream http://127.0.0.1:3000 --listen 127.0.0.1:0 \\\n" +
        "--relay relay.example:4180 relay2.example:4180 --service-key-file service.key \\\n" +
        "--wallet-key-file wallet.key",
      "blockcloud provider run --services-file services.json --wallet-key-file wallet.key",
    ],
    notes: `With --services-file one agent serves several services: one key pays for all of them. SIGHUP reads the file
again: services that were added start, those that were removed drain, and those that did not change keep their
connections. A file with an error changes nothing.`,
    async run({ flags, deployment, io, signal, handOver }) {
      // The record network takes half a second to load: not for every command.
      const { createProvider } = await import("../../provider/createProvider.ts");
      const { createProviders } = await import("../../provider/createProviders.ts");
      const { servicesFile: file, passwordFile } = flags;
      // The check has required the flags of one service, or a file.
      const single = flags as unknown as Values<typeof singleFlags>;
      const agent = {
        rpcUrls: flags.rpc,
        pace: chainPace(flags),
        fees: feePolicy(flags),
        deployment,
        walletKey: flags.walletKey,
        stateDir: flags.state,
        coral: coralOptions(flags, deployment, {
          name: `provider-${file === undefined ? single.service : addressOfKey(flags.walletKey)}`,
          // It only publishes, and needs no messages of other services.
          subscribe: false,
          allowLoopback: flags.allowLoopback,
        }),
      };
      const { takeOver } = flags;
      const worker = { name: "provider", key: flags.walletKey, deployment, takeOver };
      if (file !== undefined) {
        const { FileSource } = await import("./serviceSource.ts");
        const source = new FileSource(
          { file, passwordFile, allowLoopback: flags.allowLoopback },
          { io, signal },
        );
        return runWorker(flags, {
          ...worker,
          create: (log, metrics, fail, handoff) =>
            createProviders(agent, source, { timers: systemTimers, log, metrics, fail, handoff }),
          handOver,
        });
      }
      return runWorker(flags, {
        ...worker,
        create: (log, metrics, fail, handoff) =>
          createProvider(
            { ...agent, ...settingsOf(single, flags.allowLoopback) },
            { timers: systemTimers, log, metrics, fail, handoff },
          ),
      });
    },
  },
  OPTIONS,
);

function settingsOf(flags: Values<typeof singleFlags>, allowLoopback: boolean) {
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
    pay: paySettings(flags, allowLoopback),
  };
}
