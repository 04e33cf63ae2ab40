import { chainCommand } from "../framework/chainCommand.ts";
import { auditor } from "../framework/commonFlags.ts";
import { text } from "../framework/flag.ts";
import { etherAmount, wholeNumber } from "../framework/values.ts";
import { readAuditorReport } from "../show/auditorReport.ts";
import { auditorText } from "../show/auditorText.ts";
import { showOrWatch, watchFlag } from "../show/watch.ts";

/** `blockcloud auditor status` */
export const auditorStatus = chainCommand({
  flags: {
    auditor,
    epochs: text("--epochs <n>", "number of past epochs to show", wholeNumber(1, 200), {
      default: "24",
    }),
    blocPrice: text(
      "--bloc-price <eth>",
      "ether that one BLOC is worth to you, for a net figure",
      etherAmount,
      { env: "BLOCKCLOUD_BLOC_PRICE", config: "blocPrice" },
    ),
    watch: watchFlag,
  },
  examples: [
    "blockcloud auditor status --auditor 0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
    "blockcloud auditor status --auditor 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 \\\n" +
      "--epochs 100 --bloc-price 0.0005 --json",
  ],
  notes: `Gas is read from the receipts of those transactions of the operator that emitted an event. Failed
transactions are not counted.`,
  async run(context) {
    const { flags, deployment, output } = context;
    const { watch } = flags;
    const { epochSeconds } = deployment;
    return showOrWatch({ watch, epochSeconds, json: output.json }, context, async () => {
      const report = await readAuditorReport(context, flags);
      const { moment, ...rest } = report;
      output.print({ epoch: moment.epoch, ...rest }, auditorText(report));
    });
  },
});
