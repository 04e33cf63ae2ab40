import { Command } from "commander";
import type { DemoResult } from "../demo/result.ts";
import { bloc } from "../demo/view.ts";
import { listenForSignals } from "../node/lifecycle.ts";
import { wholeNumber } from "./options.ts";

interface Flags {
  epochs?: number;
  json: boolean;
}

/** `blockcloud demo`, which `npm start` runs. */
export function demoCommand(): Command {
  return new Command("demo")
    .description("Run services, providers and auditors on an embedded chain.")
    .option(
      "--epochs <n>",
      "stop after N audited epochs (default: run until Ctrl-C)",
      wholeNumber(1),
    )
    .option("--json", "print the result as the last line, as JSON; progress goes to stderr", false)
    .addHelpText(
      "after",
      `
Examples:
  npm start
  npm start -- --epochs 5 --json

Exit code 0 only if every auditor earned, both healthy services were paid in full, and the faulty one
visibly less.`,
    )
    .action(async (flags: Flags) => {
      // Hardhat is needed here and nowhere else, and takes a second to load.
      const { runDemo } = await import("../demo/demo.ts");
      const interrupted = new AbortController();
      const { signalled, unlisten } = listenForSignals();
      void signalled.then(() => {
        interrupted.abort();
      });
      const stream = flags.json ? process.stderr : process.stdout;
      const result = await runDemo(
        { ...(flags.epochs && { epochs: flags.epochs }), stream, live: stream.isTTY },
        interrupted.signal,
      );
      unlisten();
      process.stdout.write(flags.json ? `${JSON.stringify(result)}\n` : summary(result));
      process.exitCode = result.ok ? 0 : 1;
    });
}

function summary(result: DemoResult): string {
  if (result.epochs === 0) return "stopped before an epoch was audited, claimed and settled\n";
  const lines = [
    `${result.epochs} audited epochs`,
    ...result.services.map(
      (service) => `service ${service.number} earned ${bloc(BigInt(service.reward))} BLOC`,
    ),
    ...result.auditors.map(
      (auditor) =>
        `auditor ${auditor.address} earned ${bloc(BigInt(auditor.reward))} BLOC ` +
        `for ${auditor.paidVotes} of ${auditor.votes} votes`,
    ),
    result.ok
      ? "every auditor earned, the healthy services were paid in full, the faulty one less"
      : "NOT as it should be: an auditor earned nothing, or a service's pay does not fit its health",
  ];
  return `${lines.join("\n")}\n`;
}
