import { Command, Option } from "commander";
import type { Address } from "viem";
import { createAuditor } from "../auditor/createAuditor.ts";
import { loadDeployment } from "../chain/deployment.ts";
import { loadKey } from "../node/keys.ts";
import { runUntilSignal } from "../node/lifecycle.ts";
import { createLogger } from "../node/logger.ts";
import { createMetrics } from "../node/metrics.ts";
import { systemTimers } from "../node/timers.ts";
import { address } from "./options.ts";
import {
  deploymentOption,
  logLevelOption,
  metricsOption,
  rpcOption,
  withMetrics,
  withParentOption,
} from "./shared.ts";

interface Flags {
  deployment: string;
  rpc: string[];
  auditor: Address;
  operatorKeyFile?: string;
  state: string;
  allowLoopback: boolean;
  metrics?: { host: string; port: number };
  logLevel: string;
  withParent: boolean;
}

/** `blockcloud auditor run` */
export function auditorRunCommand(): Command {
  return new Command("run")
    .description("Inspect services that the draw assigns, report on them and collect the pay.")
    .addOption(deploymentOption())
    .addOption(rpcOption())
    .addOption(
      new Option("--auditor <address>", "owner of the auditor's stake: its identity")
        .argParser(address)
        .env("BLOCKCLOUD_AUDITOR")
        .makeOptionMandatory(),
    )
    .option(
      "--operator-key-file <path>",
      "file with the operator's key, mode 600 (default: $BLOCKCLOUD_OPERATOR_KEY)",
    )
    .option("--state <folder>", "folder of the worker's state", ".blockcloud")
    .option("--allow-loopback", "devnet switch: inspect services on loopback too", false)
    .addOption(metricsOption())
    .addOption(withParentOption())
    .addOption(logLevelOption())
    .addHelpText(
      "after",
      `
Example:
  blockcloud auditor run --deployment deployments/sepolia.json --rpc https://rpc.example \\
    --auditor 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --operator-key-file operator.key`,
    )
    .action(async (flags: Flags) => {
      const log = createLogger({ name: "auditor", level: flags.logLevel });
      const metrics = createMetrics("auditor");
      const worker = createAuditor(
        {
          rpcUrls: flags.rpc,
          deployment: loadDeployment(flags.deployment),
          auditor: flags.auditor,
          operatorKey: loadKey({
            file: flags.operatorKeyFile,
            variable: "BLOCKCLOUD_OPERATOR_KEY",
          }),
          stateDir: flags.state,
          allowLoopback: flags.allowLoopback,
        },
        { timers: systemTimers, log, metrics },
      );
      const parts = withMetrics(worker, { listen: flags.metrics, metrics, log });
      process.exitCode = await runUntilSignal(parts, log, flags);
    });
}
