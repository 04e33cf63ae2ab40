import { createKeeper } from "../../keeper/createKeeper.ts";
import { systemTimers } from "../../node/timers.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import { feeFlags, feePolicy, workerFlags } from "../framework/commonFlags.ts";
import { key, list, text } from "../framework/flag.ts";
import { address, etherAmount, wholeNumber } from "../framework/values.ts";
import { runWorker } from "../framework/worker.ts";

/** `blockcloud keeper run` */
export const keeperRun = chainCommand({
  name: "run",
  about: "Do what is due on chain and pays: tick, report, resolve, suspend, lapse, settle.",
  flags: {
    keeperKey: key(
      "--keeper-key-file <path>",
      "file with the key that pays and is paid, mode 600",
      {
        env: "BLOCKCLOUD_KEEPER_KEY",
        config: "keys.keeper",
        required: true,
      },
    ),
    blocPrice: text(
      "--bloc-price <eth>",
      "ether that one BLOC is worth to you; a call is sent if it brings a fifth more than its gas",
      etherAmount,
      { env: "BLOCKCLOUD_BLOC_PRICE", config: "blocPrice", required: true },
    ),
    unpaid: text(
      "--unpaid <eth>",
      "also do what pays nobody who calls, for at most so much gas a day",
      etherAmount,
      { config: "keeper.unpaid", default: "0" },
    ),
    settleAfter: text(
      "--settle-after <epochs>",
      "with --unpaid: settle services whose pay has waited for so long",
      wholeNumber(2, 250),
      { config: "keeper.settleAfter", default: "48" },
    ),
    collect: list(
      "--collect <address...>",
      "collect for these auditors what they claimed",
      address,
      {
        config: "keeper.collect",
      },
    ),
    ...feeFlags,
    ...workerFlags,
  },
  examples: [
    "blockcloud keeper run --bloc-price 0.0005 --keeper-key-file keeper.key",
    "blockcloud keeper run --bloc-price 0.0005 --unpaid 0.01 --keeper-key-file keeper.key",
  ],
  notes: `A tick and a report pay whoever sends them, resolving a challenge pays its challenger. Suspending,
lapsing, settling and resolving for others pay nobody who calls: they need --unpaid. Several keepers may run:
each call is tried first, and what another one has done costs nothing.`,
  run: ({ flags, deployment }) =>
    runWorker(flags, {
      name: "keeper",
      key: flags.keeperKey,
      deployment,
      create: (log, metrics) =>
        createKeeper(
          {
            rpcUrls: flags.rpc,
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
