import { Command, Option } from "commander";
import { loadDeployment } from "../chain/deployment.ts";
import { loadKey, loadKeys } from "../node/keys.ts";
import { runUntilSignal } from "../node/lifecycle.ts";
import { createLogger } from "../node/logger.ts";
import { createMetrics } from "../node/metrics.ts";
import { systemTimers } from "../node/timers.ts";
import { createProvider } from "../provider/createProvider.ts";
import { hostAndPort, httpUrl, serviceNumber, wholeNumber } from "./options.ts";
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
  service: bigint;
  upstream: URL;
  listen: { host: string; port: number };
  endpoint?: URL;
  serviceKeyFile?: string;
  previousServiceKeyFile?: string[];
  walletKeyFile?: string;
  settleEvery: number;
  metrics?: { host: string; port: number };
  logLevel: string;
  withParent: boolean;
}

/** `blockcloud provider run` */
export function providerRunCommand(): Command {
  return new Command("run")
    .description(
      "Serve an HTTP upstream with receipts, publish its endpoint, answer challenges and collect the pay.",
    )
    .addOption(deploymentOption())
    .addOption(rpcOption())
    .addOption(
      new Option("--service <number>", "service number")
        .argParser(serviceNumber)
        .makeOptionMandatory(),
    )
    .requiredOption("--upstream <url>", "HTTP server to stand in front of", httpUrl)
    .requiredOption("--listen <host:port>", "where the gateway listens", hostAndPort)
    .option(
      "--endpoint <url>",
      "where clients reach the gateway (default: where it listens, for tests on one machine)",
      httpUrl,
    )
    .option(
      "--service-key-file <path>",
      "file with the service key, mode 600 (default: $BLOCKCLOUD_SERVICE_KEY)",
    )
    .option(
      "--previous-service-key-file <path...>",
      "files with earlier service keys, which answer challenges that were opened while they counted (default: $BLOCKCLOUD_PREVIOUS_SERVICE_KEYS, with commas between them)",
    )
    .option(
      "--wallet-key-file <path>",
      "file with the key that pays for transactions (default: $BLOCKCLOUD_WALLET_KEY)",
    )
    .option(
      "--settle-every <epochs>",
      "epochs that one settlement collects",
      wholeNumber(1, 200),
      24,
    )
    .addOption(metricsOption())
    .addOption(withParentOption())
    .addOption(logLevelOption())
    .addHelpText(
      "after",
      `
Example:
  blockcloud provider run --deployment deployments/sepolia.json --rpc https://rpc.example \\
    --service 7 --upstream http://127.0.0.1:3000 --listen 0.0.0.0:8080 \\
    --endpoint https://weather.example --service-key-file service.key --wallet-key-file wallet.key`,
    )
    .action(async (flags: Flags) => {
      const log = createLogger({ name: "provider", level: flags.logLevel });
      const metrics = createMetrics("provider");
      const worker = createProvider(
        {
          rpcUrls: flags.rpc,
          deployment: loadDeployment(flags.deployment),
          number: flags.service,
          serviceKey: loadKey({ file: flags.serviceKeyFile, variable: "BLOCKCLOUD_SERVICE_KEY" }),
          previousKeys: loadKeys({
            files: flags.previousServiceKeyFile ?? [],
            variable: "BLOCKCLOUD_PREVIOUS_SERVICE_KEYS",
          }),
          walletKey: loadKey({ file: flags.walletKeyFile, variable: "BLOCKCLOUD_WALLET_KEY" }),
          upstream: flags.upstream,
          listen: flags.listen,
          endpoint: flags.endpoint?.href,
          settleEvery: flags.settleEvery,
        },
        { timers: systemTimers, log, metrics },
      );
      const parts = withMetrics(worker, { listen: flags.metrics, metrics, log });
      process.exitCode = await runUntilSignal(parts, log, flags);
    });
}
