import { readSecretFile } from "../../node/secretFile.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { grades } from "../../protocol/tally.ts";
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

/** A shorter secret could be guessed from one message. */
const LEAST_SECRET = 16;

/** Flags of commands that tell the webhook. */
export const webhookFlags = {
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
  allowLoopback: coralAllowLoopback,
};

/** Flags of `blockcloud alerts run`. */
export const alertFlags = {
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
  ...webhookFlags,
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
  leastDays: text("--least-days <days>", "days for which ether must last", wholeNumber(1, 365), {
    config: "alerts.leastDays",
    default: "3",
  }),
  before: text(
    "--before <time>",
    "time before the end of a record's lease, of pay or of a claim (the last two: a quarter of their time at most)",
    duration,
    { config: "alerts.before", default: "6h" },
  ),
  every: text("--every <time>", "pause between two looks at the chain", duration, {
    config: "alerts.every",
    default: "1m",
  }),
};

/**
 * Reads the secret that signs messages.
 *
 * @throws BlockcloudError `ALERT_SECRET` if it is too short; as `readSecretFile`.
 */
export function webhookSecret(file: string): string {
  const secret = readSecretFile(file, "webhook secret").trim();
  if (secret.length >= LEAST_SECRET) return secret;
  throw new BlockcloudError("ALERT_SECRET", "The webhook's secret is too short.", {
    remedy: "Make one: openssl rand -hex 32 > webhook.secret && chmod 600 webhook.secret.",
  });
}
