import { Services } from "../../chain/services.ts";
import { createAlerts } from "../../alerts/createAlerts.ts";
import { systemTimers } from "../../node/timers.ts";
import type { Grade } from "../../protocol/tally.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import { chainPace, workerFlags } from "../framework/commonFlags.ts";
import { runWorker } from "../framework/worker.ts";
import { alertFlags, webhookSecret } from "./flags.ts";

/** `blockcloud alerts run` */
export const alertsRun = chainCommand(
  {
    flags: {
      ...alertFlags,
      ...workerFlags,
    },
    examples: [
      "blockcloud alerts run --service 7 --webhook https://alerts.example/hook \\\n--webhook-secret-file webhook.secret",
      "blockcloud alerts run --auditor 0x90F79bf6EB2c4f870365E785982E1f101E93b906 --in-a-row 2 \\\n" +
        "--webhook https://alerts.example/hook --webhook-secret-file webhook.secret",
    ],
    notes: `It has no key and sends no transaction. An alert is sent when it fires and when it is over, each once, also
across restarts. "alerts test" sends one message, to try the webhook. docs/monitoring.md has the form of a message, its signature, and examples for a chat and for mail.`,
    async run({ flags, client, deployment }) {
      const secret = webhookSecret(flags.webhookSecretFile);
      const { services = [], auditors = [], accounts = [], allowLoopback } = flags;
      const known = new Services(client, deployment);
      for (const service of services) await known.requireRegistered(service);
      return runWorker(flags, {
        name: "alerts",
        deployment,
        create: (log, metrics) =>
          createAlerts(
            {
              ...{ rpcUrls: flags.rpc, pace: chainPace(flags), deployment, stateDir: flags.state },
              watched: { services, auditors, accounts },
              limits: {
                inARow: flags.inARow,
                leastGrade: flags.leastGrade as Grade,
                leastDays: flags.leastDays,
                withinS: flags.before / 1000,
              },
              webhook: { url: flags.webhook, secret, allowLoopback },
              everyMs: flags.every,
            },
            { timers: systemTimers, log, metrics },
          ),
      });
    },
  },
  {
    check: ({ found }, _, problems) => {
      const { services, auditors, accounts } = found;
      if ([services, auditors, accounts].some((each) => each !== undefined)) return;
      problems.add("--service, --auditor, --account: give one of them at least.");
    },
  },
);
