import { findService } from "../../chain/views/serviceView.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import { text } from "../framework/flag.ts";
import { anyText } from "../framework/values.ts";
import { readServiceReport, reportFlags, reportJson } from "../show/serviceReport.ts";
import { showText } from "../show/serviceText.ts";
import { showOrWatch, watchFlag } from "../show/watch.ts";

/** `blockcloud service show` */
export const serviceShow = chainCommand({
  args: {
    name: text("<service>", "number, label, name or ID of the service", anyText, {
      required: true,
    }),
  },
  flags: { ...reportFlags, watch: watchFlag },
  examples: ["blockcloud service show 7", "blockcloud service show weather --epochs 48 --json"],
  notes: `Runs the service's own probe once from this host against its published endpoint, as auditors do;
--skip-probe omits that. The endpoint is that of the live record: of a resolver (--resolver), else of the record
network (--coral-bootstrap), else of the service's agent with this state folder. Without any of them it is the one
that is announced on chain, which may be older than a move.`,
  async run(context) {
    const { args, flags, client, deployment, output } = context;
    const number = await findService(client, deployment, args.name);
    const { watch } = flags;
    const { epochSeconds } = deployment;
    return showOrWatch({ watch, epochSeconds, json: output.json }, context, async () => {
      const report = await readServiceReport(context, { ...flags, number });
      output.print(reportJson(report), showText(report));
    });
  },
});
