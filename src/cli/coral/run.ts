import { systemTimers } from "../../node/timers.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import { workerFlags } from "../framework/commonFlags.ts";
import {
  CORAL_PORT,
  coralAllowLoopback,
  coralFlags,
  coralOptions,
} from "../framework/coralFlags.ts";
import { runWorker } from "../framework/worker.ts";

/** `blockcloud coral run` */
export const coralRun = chainCommand({
  name: "run",
  about: "Run a node of the record network: it checks, keeps and passes on where services are.",
  flags: {
    ...coralFlags(CORAL_PORT),
    allowLoopback: coralAllowLoopback,
    ...workerFlags,
  },
  examples: [
    "blockcloud coral run --coral-announce /ip4/203.0.113.7/tcp/4170",
    "blockcloud coral run --coral-bootstrap /dns4/node.example/tcp/4170 --metrics 127.0.0.1:9464",
  ],
  notes: `It needs no key: what it passes on is signed by the services. Others join by the addresses that it
logs as "coral listens". A node without a public address, neither its own nor announced, asks the others and
does not answer them. Announce IP addresses: names are looked up for --coral-bootstrap only.`,
  async run({ flags, deployment }) {
    // The record network takes half a second to load: not for every command.
    const { createCoralWorker } = await import("./createCoralWorker.ts");
    return runWorker(flags, {
      name: "coral",
      deployment,
      create: (log, metrics) =>
        createCoralWorker(
          {
            rpcUrls: flags.rpc,
            deployment,
            coral: coralOptions(flags, deployment, {
              name: "coral",
              subscribe: true,
              allowLoopback: flags.allowLoopback,
            }),
          },
          { timers: systemTimers, log, metrics },
        ),
    });
  },
});
