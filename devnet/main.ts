import type { DemoReason } from "./reasons.ts";
import type { DemoResult } from "./result.ts";
import { bloc, payingLine } from "./view.ts";
import { localCommand } from "../src/cli/framework/command.ts";
import { exitCodes } from "../src/cli/framework/exitCodes.ts";
import { text, toggle } from "../src/cli/framework/flag.ts";
import { processIo } from "../src/cli/framework/io.ts";
import { wholeNumber } from "../src/cli/framework/values.ts";
import { runProgram } from "../src/cli/program.ts";

/** `npm start`: the devnet of this repository. It needs Hardhat, so the package leaves it out. */
const start = localCommand({
  flags: {
    epochs: text(
      "--epochs <n>",
      "stop after N audited epochs (default: run until Ctrl-C)",
      wholeNumber(1),
      {},
    ),
    console: toggle("--console", "start the index and the console also with --epochs"),
    keep: toggle("--keep", "keep the folder with logs and state, also when all went well"),
  },
  examples: ["npm start", "npm start -- --epochs 5 --json"],
  notes: `Ctrl-C stops, with exit code 0. With --epochs, exit code 0 only if every auditor earned, both healthy services
were paid in full, the faulty one visibly less, what a user paid service 1 adds up to the last wei, and most of its
requests were answered; otherwise the result says which check failed, in which epoch, and why ("reasons" with --json).
With --json, progress goes to standard error.`,
  async run({ flags, io, output, signal }) {
    // Hardhat is needed only here, and takes a second to load.
    const { runDemo } = await import("./demo.ts");
    const stream = output.json ? io.stderr : io.stdout;
    const result = await runDemo(
      {
        ...(flags.epochs !== undefined && { epochs: flags.epochs }),
        keep: flags.keep,
        console: flags.epochs === undefined || flags.console,
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
  const { epochs, interrupted } = result;
  if (epochs === 0 && result.ok) return "stopped before an epoch was audited, claimed and settled";
  const stopped = interrupted ? "stopped after " : "";
  const lines = [
    `${stopped}${epochs} audited epoch${epochs === 1 ? "" : "s"}`,
    ...result.services.map(
      (service) => `service ${service.number} earned ${bloc(BigInt(service.reward))} BLOC`,
    ),
    ...result.auditors.map(
      (auditor) =>
        `auditor ${auditor.address} earned ${bloc(BigInt(auditor.reward))} BLOC ` +
        `for ${auditor.paidVotes} of ${auditor.votes} votes`,
    ),
    ...(result.paying === null ? [] : [payingLine(result.paying)]),
    ...(result.ok && interrupted
      ? []
      : result.ok
        ? ["every auditor earned, the healthy services were paid in full, the faulty one less"]
        : result.reasons.map(reasonLine)),
  ];
  return lines.join("\n");
}

function reasonLine({ check, service, auditor, epoch, why }: DemoReason): string {
  const of = [
    ...(service === undefined ? [] : [`service ${service}`]),
    ...(auditor === undefined ? [] : [`auditor ${auditor}`]),
    ...(epoch === null ? [] : [`epoch ${epoch}`]),
  ];
  return `NOT ${check}: ${[...of, why].join(", ")}`;
}

process.exitCode = await runProgram(["start", ...process.argv.slice(2)], processIo(), {
  name: "npm",
  about: "The devnet of this repository.",
  entries: {
    start: {
      about: "Run services, providers and auditors on an embedded chain.",
      load: () => Promise.resolve(start),
    },
  },
  places: () => Promise.resolve(new Map()),
});
