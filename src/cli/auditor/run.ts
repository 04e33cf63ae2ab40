import { systemTimers } from "../../node/timers.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import {
  auditor,
  feeFlags,
  feePolicy,
  operatorKey,
  workerFlags,
} from "../framework/commonFlags.ts";
import { text, toggle } from "../framework/flag.ts";
import { etherAmount, percent } from "../framework/values.ts";
import { coralFlags, coralOptions } from "../framework/coralFlags.ts";
import { runWorker } from "../framework/worker.ts";

/** `blockcloud auditor run` */
export const auditorRun = chainCommand({
  name: "run",
  about: "Inspect services that the draw assigns, report on them and collect the pay.",
  flags: {
    auditor,
    operatorKey,
    allowLoopback: toggle(
      "--allow-loopback",
      "devnet switch: inspect services, and connect to nodes, on loopback too",
      {
        config: "auditor.allowLoopback",
      },
    ),
    blocPrice: text(
      "--bloc-price <eth>",
      "what a BLOC is worth; rounds that would cost more than they pay are left out",
      etherAmount,
      { env: "BLOCKCLOUD_BLOC_PRICE", config: "blocPrice" },
    ),
    margin: text(
      "--margin <percent>",
      "with --bloc-price: least profit of a round, in percent of its gas",
      percent,
      { config: "auditor.margin", default: "0" },
    ),
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
