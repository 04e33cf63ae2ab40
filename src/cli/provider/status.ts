import { chainCommand } from "../framework/chainCommand.ts";
import { service } from "../framework/commonFlags.ts";
import { readServiceReport, reportFlags, reportJson } from "../show/serviceReport.ts";
import { statusText } from "../show/serviceText.ts";
import { showOrWatch, watchFlag } from "../show/watch.ts";
import { rootServiceId } from "../../protocol/serviceId.ts";
import { agentFacts, agentsOfService } from "./agents.ts";

/** `blockcloud provider status` */
export const providerStatus = chainCommand({
  flags: { service, ...reportFlags, watch: watchFlag },
  examples: [
    "blockcloud provider status --service 7",
    "blockcloud provider status --service 7 --resolver http://127.0.0.1:8053",
    "blockcloud provider status --service 7 --watch",
  ],
  async run(context) {
    const { flags, deployment, output } = context;
    const { watch } = flags;
    const { epochSeconds } = deployment;
    return showOrWatch({ watch, epochSeconds, json: output.json }, context, async () => {
      const report = await readServiceReport(context, { ...flags, number: flags.service });
      const agents = await agentsOfService(flags.state, rootServiceId(flags.service));
      output.print({ ...reportJson(report), agents }, statusText(report, agentFacts(agents)));
    });
  },
  notes: `The endpoints now are those of the live record: of the resolver (--resolver), else of the record network
(--coral-bootstrap), else of the service's agent on this host, if it runs with this state folder. Without any of
them the command shows and probes what is announced on chain, which may be older than a move.
If an agent of the service runs on this host with this state folder, the command also shows its relays, and
over which paths its clients are connected.`,
});
