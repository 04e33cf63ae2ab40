import { systemTimers } from "../../node/timers.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import { chainPace, workerFlags } from "../framework/commonFlags.ts";
import {
  CORAL_PORT,
  coralAllowLoopback,
  coralFlags,
  coralOptions,
} from "../framework/coralFlags.ts";
import { runWorker } from "../framework/worker.ts";

/** `blockcloud coral run` */
export const coralRun = chainCommand({
  flags: {
    ...coralFlags(CORAL_PORT),
    allowLoopback: coralAllowLoopback,
    ...workerFlags,
  },
  examples: [
    "blockcloud coral run --coral-announce /ip4/203.0.113.7/tcp/4170",
    "blockcloud coral run --coral-bootstrap /dns4/node.example/tcp/4170 --metrics 127.0.0.1:9464",
  ],
  notes: `It needs no key, because the services sign the messages that it forwards. Other nodes join at the addresses
in its log line "coral listens". A node that neither has nor announces a public address sends queries but does not
answer any. Announce IP addresses: host names are resolved only for --coral-bootstrap.`,
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
            pace: chainPace(flags),
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
