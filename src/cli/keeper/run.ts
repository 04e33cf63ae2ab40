import { createKeeper } from "../../keeper/createKeeper.ts";
import { systemTimers } from "../../node/timers.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import { feeFlags, feePolicy, chainPace, workerFlags } from "../framework/commonFlags.ts";
import { runWorker } from "../framework/worker.ts";
import { blocPrice, collect, keeperKey, settleAfter, unpaid } from "./flags.ts";

/** `blockcloud keeper run` */
export const keeperRun = chainCommand({
  flags: {
    keeperKey,
    blocPrice,
    unpaid,
    settleAfter,
    collect,
    ...feeFlags,
    ...workerFlags,
  },
  examples: [
    "blockcloud keeper run --bloc-price 0.0005 --keeper-key-file keeper.key",
    "blockcloud keeper run --bloc-price 0.0005 --unpaid 0.01 --keeper-key-file keeper.key",
  ],
  notes: `A tick and a report pay their sender, and resolving a challenge pays too. Suspending, lapsing, settling
and releasing slots do not pay their sender: they need --unpaid. Several keepers may run at the same time: each
call is simulated first, so a call that another keeper has already made costs nothing.`,
  run: ({ flags, deployment }) =>
    runWorker(flags, {
      name: "keeper",
      key: flags.keeperKey,
      deployment,
      create: (log, metrics) =>
        createKeeper(
          {
            rpcUrls: flags.rpc,
            pace: chainPace(flags),
            fees: feePolicy(flags),
            deployment,
            key: flags.keeperKey,
            stateDir: flags.state,
            blocPriceWei: flags.blocPrice,
            unpaidWeiPerDay: flags.unpaid,
            settleAfterEpochs: flags.settleAfter,
            collectFor: flags.collect ?? [],
          },
          { timers: systemTimers, log, metrics },
        ),
    }),
});
