import { createAlerts } from "../../alerts/createAlerts.ts";
import { readSecretFile } from "../../node/secretFile.ts";
import { systemTimers } from "../../node/timers.ts";
import { grades, type Grade } from "../../protocol/tally.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import { chainPace, workerFlags } from "../framework/commonFlags.ts";
import { coralAllowLoopback } from "../framework/coralFlags.ts";
import { file, list, text } from "../framework/flag.ts";
import {
  address,
  anyText,
  duration,
  httpUrl,
  serviceNamed,
  wholeNumber,
} from "../framework/values.ts";
import { runWorker } from "../framework/worker.ts";

/** A shorter secret could be guessed from one message. */
const LEAST_SECRET = 16;

/** `blockcloud alerts run` */
export const alertsRun = chainCommand(
  {
    flags: {
      services: list("--service <service...>", "services to watch", serviceNamed, {
        config: "alerts.services",
      }),
      auditors: list("--auditor <address...>", "auditors to watch, by their owners", address, {
        config: "alerts.auditors",
      }),
      accounts: list(
        "--account <address...>",
        "accounts that pay for a provider's transactions",
        address,
        { config: "alerts.accounts" },
      ),
      webhook: text("--webhook <url>", "URL that gets each alert once, by POST", httpUrl, {
        env: "BLOCKCLOUD_WEBHOOK",
        config: "alerts.webhook",
        required: true,
        secret: true,
      }),
      webhookSecretFile: file(
        "--webhook-secret-file <path>",
        `file with the secret that signs alerts, ${LEAST_SECRET} characters at least, mode 600`,
        anyText,
        { config: "alerts.webhookSecretFile", required: true },
      ),
      inARow: text(
        "--in-a-row <count>",
        "missed rounds, or epochs below --least-grade, until an alert",
        wholeNumber(1, 100),
        { config: "alerts.inARow", default: "3" },
      ),
      leastGrade: text(
        "--least-grade <grade>",
        `grade below which an epoch counts: ${grades.map((name, grade) => `${grade} ${name}`).join(", ")}`,
        wholeNumber(1, 3),
        { config: "alerts.leastGrade", default: "2" },
      ),
      leastDays: text(
        "--least-days <days>",
        "days for which ether must last",
        wholeNumber(1, 365),
        {
          config: "alerts.leastDays",
          default: "3",
        },
      ),
      before: text(
        "--before <time>",
        "time before the end of a record's lease or of a claim",
        duration,
        { config: "alerts.before", default: "6h" },
      ),
      every: text("--every <time>", "pause between two looks at the chain", duration, {
        config: "alerts.every",
        default: "1m",
      }),
      allowLoopback: coralAllowLoopback,
      ...workerFlags,
    },
    examples: [
      "blockcloud alerts run --service 7 --webhook https://alerts.example/hook \\\n--webhook-secret-file webhook.secret",
      "blockcloud alerts run --auditor 0x90F79bf6EB2c4f870365E785982E1f101E93b906 --in-a-row 2 \\\n" +
        "--webhook https://alerts.example/hook --webhook-secret-file webhook.secret",
    ],
    notes: `It has no key and sends no transaction. An alert is sent when it fires and when it is over, each once, also
across restarts. docs/monitoring.md has the form of a message, its signature, and examples for a chat and for mail.`,
    run({ flags, deployment }) {
      const secret = readSecretFile(flags.webhookSecretFile, "webhook secret").trim();
      if (secret.length < LEAST_SECRET) {
        throw new BlockcloudError("ALERT_SECRET", "The webhook's secret is too short.", {
          remedy: "Make one: openssl rand -hex 32 > webhook.secret && chmod 600 webhook.secret.",
        });
      }
      const { services = [], auditors = [], accounts = [], allowLoopback } = flags;
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
