import { systemTimers } from "../../node/timers.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import { chainPace, workerFlags } from "../framework/commonFlags.ts";
import { runWorker } from "../framework/worker.ts";
import { relayFlags, relayLimitsOf } from "./flags.ts";

/** `blockcloud relay run` */
export const relayRun = chainCommand({
  flags: { ...relayFlags, ...workerFlags },
  examples: [
    "blockcloud relay run --listen 127.0.0.1:4180",
    "blockcloud relay run --name relay.example:4180 --bytes-per-second 100000000 --metrics 127.0.0.1:9470",
  ],
  notes: `It needs no key and no ether. Providers name it by --relay, and prove by the key of their service that they
may reserve; the relay reads that key from the chain. It passes on what it cannot read: docs/trust-model.md says what
it sees. Open its port for providers and clients.`,
  async run({ flags, deployment }) {
    const { createRelay } = await import("../../relay/createRelay.ts");
    return runWorker(flags, {
      name: "relay",
      deployment,
      create: (log, metrics) =>
        createRelay(
          {
            rpcUrls: flags.rpc,
            pace: chainPace(flags),
            deployment,
            listen: flags.listen,
            names: flags.names,
            limits: relayLimitsOf(flags),
          },
          { timers: systemTimers, log, metrics },
        ),
    });
  },
});
