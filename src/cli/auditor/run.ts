import { createAuditor } from "../../auditor/createAuditor.ts";
import { systemTimers } from "../../node/timers.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import {
  auditor,
  feeFlags,
  feePolicy,
  operatorKey,
  workerFlags,
} from "../framework/commonFlags.ts";
import { toggle } from "../framework/flag.ts";
import { runWorker } from "../framework/worker.ts";

/** `blockcloud auditor run` */
export const auditorRun = chainCommand({
  name: "run",
  about: "Inspect services that the draw assigns, report on them and collect the pay.",
  flags: {
    auditor,
    operatorKey,
    allowLoopback: toggle("--allow-loopback", "devnet switch: inspect services on loopback too", {
      config: "auditor.allowLoopback",
    }),
    ...feeFlags,
    ...workerFlags,
  },
  examples: [
    "blockcloud auditor run --auditor 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 \\\n" +
      "--operator-key-file operator.key",
  ],
  run: ({ flags, deployment }) =>
    runWorker(flags, {
      name: "auditor",
      key: flags.operatorKey,
      deployment,
      create: (log, metrics) =>
        createAuditor(
          {
            rpcUrls: flags.rpc,
            fees: feePolicy(flags),
            deployment,
            auditor: flags.auditor,
            operatorKey: flags.operatorKey,
            stateDir: flags.state,
            allowLoopback: flags.allowLoopback,
          },
          { timers: systemTimers, log, metrics },
        ),
    }),
});
