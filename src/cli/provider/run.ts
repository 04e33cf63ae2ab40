import { systemTimers } from "../../node/timers.ts";
import { addressOfKey } from "../../protocol/signature.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import { keyFlags } from "../framework/commonFlags.ts";
import { runWorker } from "../framework/worker.ts";
import { agentFlags, agentOf, runOne, type OneService } from "./agent.ts";
import { chooseServices, serviceFlags } from "./chooseServices.ts";

/** The provider serves before the chain can be reached, and checks the chain itself. */
const OPTIONS = { checkChain: false, check: chooseServices };

/** `blockcloud provider run` */
export const providerRun = chainCommand(
  {
    flags: {
      ...serviceFlags,
      ...agentFlags,
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
      const { servicesFile: file, passwordFile } = flags;
      // The check has required the flags of one service, or a file.
      if (file === undefined) return runOne(flags as unknown as OneService, deployment);
      // The record network takes half a second to load: not for every command.
      const { createProviders } = await import("../../provider/createProviders.ts");
      const agent = agentOf(flags, deployment, addressOfKey(flags.walletKey));
      const { FileSource } = await import("./serviceSource.ts");
      const source = new FileSource(
        { file, passwordFile, allowLoopback: flags.allowLoopback },
        { io, signal },
      );
      const { takeOver } = flags;
      return runWorker(flags, {
        ...{ name: "provider", key: flags.walletKey, deployment, takeOver, handOver },
        create: (log, metrics, fail, handoff) =>
          createProviders(agent, source, { timers: systemTimers, log, metrics, fail, handoff }),
      });
    },
  },
  OPTIONS,
);
