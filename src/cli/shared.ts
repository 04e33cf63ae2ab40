import { Option } from "commander";
import { urlList } from "./options.ts";

/** `--deployment`, for every command that needs the contracts. */
export function deploymentOption(): Option {
  return new Option("--deployment <file>", "deployments/<network>.json of the contracts")
    .env("BLOCKCLOUD_DEPLOYMENT")
    .makeOptionMandatory();
}

/** `--rpc`, for every command that needs the chain. */
export function rpcOption(): Option {
  return new Option("--rpc <url...>", "JSON-RPC endpoints of the chain, the preferred one first")
    .argParser(urlList)
    .env("BLOCKCLOUD_RPC")
    .makeOptionMandatory();
}

/** `--log-level`, for every worker. */
export function logLevelOption(): Option {
  return new Option("--log-level <level>", "least level to log")
    .choices(["debug", "info", "warn", "error"])
    .env("BLOCKCLOUD_LOG_LEVEL")
    .default("info");
}

/** `--with-parent`, for workers that another process starts. */
export function withParentOption(): Option {
  return new Option("--with-parent", "stop when standard input ends").default(false);
}
