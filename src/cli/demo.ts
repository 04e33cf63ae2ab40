import type { DemoResult } from "../demo/result.ts";
import { bloc } from "../demo/view.ts";
import { localCommand } from "./framework/command.ts";
import { exitCodes } from "./framework/exitCodes.ts";
import { text } from "./framework/flag.ts";
import { wholeNumber } from "./framework/values.ts";

/** `blockcloud demo`, which `npm start` runs. */
export const demo = localCommand({
  name: "demo",
  about: "Run services, providers and auditors on an embedded chain.",
  flags: {
    epochs: text(
      "--epochs <n>",
      "stop after N audited epochs (default: run until Ctrl-C)",
      wholeNumber(1),
      {},
    ),
  },
  examples: ["npm start", "npm start -- --epochs 5 --json"],
  notes: `Exit code 0 only if every auditor earned, both healthy services were paid in full, and the faulty one
visibly less. With --json, progress goes to standard error.`,
  async run({ flags, io, output, signal }) {
    // Hardhat is needed here and nowhere else, and takes a second to load.
    const { runDemo } = await import("../demo/demo.ts");
    const stream = output.json ? io.stderr : io.stdout;
    const result = await runDemo(
      {
        ...(flags.epochs !== undefined && { epochs: flags.epochs }),
        stream,
        live: "isTTY" in stream && stream.isTTY === true,
      },
      signal,
    );
    output.print(result, summary(result));
    return result.ok ? exitCodes.ok : exitCodes.failed;
  },
});

function summary(result: DemoResult): string {
  if (result.epochs === 0) return "stopped before an epoch was audited, claimed and settled";
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
  return lines.join("\n");
}
