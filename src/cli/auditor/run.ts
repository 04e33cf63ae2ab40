import { systemTimers } from "../../node/timers.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import {
  auditor,
  feeFlags,
  feePolicy,
  operatorKey,
  chainPace,
  workerFlags,
} from "../framework/commonFlags.ts";
import { coralFlags, coralOptions } from "../framework/coralFlags.ts";
import { runWorker } from "../framework/worker.ts";
import { allowLoopback, blocPrice, margin } from "./flags.ts";

/** `blockcloud auditor run` */
export const auditorRun = chainCommand({
  flags: {
    auditor,
    operatorKey,
    allowLoopback,
    blocPrice,
    margin,
    ...coralFlags(0),
    ...feeFlags,
    ...workerFlags,
  },
  examples: [
    "blockcloud auditor run --auditor 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 \\\n" +
      "--operator-key-file operator.key",
    "blockcloud auditor run --auditor 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 \\\n" +
      "--operator-key-file operator.key --bloc-price 0.0005 --margin 20",
  ],
  async run({ flags, deployment }) {
    // The record network takes half a second to load: not for every command.
    const { createAuditor } = await import("../../auditor/createAuditor.ts");
    return runWorker(flags, {
      name: "auditor",
      key: flags.operatorKey,
      deployment,
      create: (log, metrics) =>
        createAuditor(
          {
            rpcUrls: flags.rpc,
            pace: chainPace(flags),
            fees: feePolicy(flags),
            economics:
              flags.blocPrice === undefined
                ? undefined
                : { blocPriceWei: flags.blocPrice, marginPercent: flags.margin },
            deployment,
            auditor: flags.auditor,
            operatorKey: flags.operatorKey,
            stateDir: flags.state,
            allowLoopback: flags.allowLoopback,
            coral: coralOptions(flags, deployment, {
              name: `auditor-${flags.auditor}`,
              subscribe: true,
              allowLoopback: flags.allowLoopback,
            }),
          },
          { timers: systemTimers, log, metrics },
        ),
    });
  },
});
