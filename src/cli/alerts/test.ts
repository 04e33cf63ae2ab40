import { testMessage } from "../../alerts/testMessage.ts";
import { Webhook } from "../../alerts/webhook.ts";
import { defineCommand } from "../framework/command.ts";
import { webhookFlags, webhookSecret } from "./flags.ts";

/** `blockcloud alerts test` */
export const alertsTest = defineCommand(
  {
    flags: webhookFlags,
    examples: [
      "blockcloud alerts test --webhook https://alerts.example/hook \\\n--webhook-secret-file webhook.secret",
    ],
    notes: `Sends one signed message of the kind "test", in the form of an alert that fires, and says whether the webhook has
taken it. It needs no chain, and tries once.`,
  },
  () => undefined,
  async ({ flags, io, output }) => {
    const { webhook: url, allowLoopback } = flags;
    const secret = webhookSecret(flags.webhookSecretFile);
    const seconds = Math.floor(io.now() / 1000);
    const message = testMessage(seconds);
    await new Webhook({ url, secret, allowLoopback }).deliver(JSON.stringify(message), seconds);
    output.print(
      { webhook: url.host, id: message.id },
      `the webhook at ${url.host} has taken the test message`,
    );
    return undefined;
  },
);
