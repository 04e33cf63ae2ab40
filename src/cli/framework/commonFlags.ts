import type { ChainPace } from "../../chain/access.ts";
import type { FeePolicy } from "../../chain/transactions/fees.ts";
import {
  anyText,
  address,
  gweiAmount,
  httpUrl,
  hostAndPort,
  oneOf,
  pollSeconds,
  rpcUrl,
  serviceNamed,
  webSocketUrl,
} from "./values.ts";
import { file, key, keys, list, text, toggle, type Flag, type Values } from "./flag.ts";

/** Flags that several commands share. */

/** Flags of every command. */
export const everyFlags = {
  config: file(
    "--config <file>",
    "configuration file (default: blockcloud.json, if there is one)",
    anyText,
    {
      env: "BLOCKCLOUD_CONFIG",
    },
  ),
  json: toggle("--json", "print the result as one line of JSON"),
};

/** Flags of commands that use the chain. */
export const chainFlags = {
  deployment: file("--deployment <file>", "deployment file of the contracts", anyText, {
    env: "BLOCKCLOUD_DEPLOYMENT",
    config: "deployment",
  }),
  network: text(
    "--network <name>",
    "network of deployments/<name>.json, instead of --deployment",
    anyText.regex(/^[\w-]{1,40}$/, "Give the name of a network."),
    {
      env: "BLOCKCLOUD_NETWORK",
      config: "network",
    },
  ),
  rpc: list("--rpc <url...>", "JSON-RPC endpoints of the chain, the preferred one first", rpcUrl, {
    env: "BLOCKCLOUD_RPC",
    config: "rpc",
    required: true,
    preset: true,
    secret: true,
  }),
};

/** Flags of commands that use keys. */
export const keyFlags = {
  passwordFile: file(
    "--password-file <path>",
    "file with the password of encrypted keys, mode 600 (default: $BLOCKCLOUD_PASSWORD, or a prompt)",
    anyText,
    {
      config: "keys.passwordFile",
    },
  ),
};

/** Flags of commands that send transactions. */
export const feeFlags = {
  maxFee: text(
    "--max-fee <gwei>",
    "maximum price of gas; transactions wait while gas costs more",
    gweiAmount,
    {
      env: "BLOCKCLOUD_MAX_FEE",
      config: "fees.maxFee",
    },
  ),
  urgentMaxFee: text(
    "--urgent-max-fee <gwei>",
    "the same for commitments, reveals and answers to challenges (default: no limit)",
    gweiAmount,
    {
      env: "BLOCKCLOUD_URGENT_MAX_FEE",
      config: "fees.urgentMaxFee",
    },
  ),
  priorityFee: text("--priority-fee <gwei>", "maximum tip for the block's proposer", gweiAmount, {
    env: "BLOCKCLOUD_PRIORITY_FEE",
    config: "fees.priorityFee",
  }),
};

/** The policy of {@link feeFlags}. */
export function feePolicy(flags: Values<typeof feeFlags>): FeePolicy {
  return {
    maxFeePerGas: flags.maxFee,
    urgentMaxFeePerGas: flags.urgentMaxFee,
    maxPriorityFeePerGas: flags.priorityFee,
  };
}

/** Flags of commands with which a user sends transactions. */
export const transactFlags = {
  ...feeFlags,
  yes: toggle("--yes", "send without asking"),
  dryRun: toggle("--dry-run", "show the transactions and their cost, and send nothing"),
};

/** The keys, by their use. */
export const walletKey = key(
  "--wallet-key-file <path>",
  "file with the key that owns the service and pays, mode 600",
  {
    env: "BLOCKCLOUD_WALLET_KEY",
    config: "keys.wallet",
    required: true,
  },
);
export const serviceKey = key(
  "--service-key-file <path>",
  "file with the key that signs receipts and records, mode 600",
  {
    env: "BLOCKCLOUD_SERVICE_KEY",
    config: "keys.service",
    required: true,
  },
);
export const previousServiceKeys = keys(
  "--previous-service-key-file <path...>",
  "files with earlier service keys, which answer challenges that froze them",
  {
    env: "BLOCKCLOUD_PREVIOUS_SERVICE_KEYS",
    config: "keys.previousService",
  },
);
export const ownerKey = key(
  "--owner-key-file <path>",
  "file with the key that owns the auditor's stake, mode 600",
  {
    env: "BLOCKCLOUD_OWNER_KEY",
    config: "keys.owner",
    required: true,
  },
);
export const operatorKey = key(
  "--operator-key-file <path>",
  "file with the operator key of the auditor's worker, mode 600",
  {
    env: "BLOCKCLOUD_OPERATOR_KEY",
    config: "keys.operator",
    required: true,
  },
);

/** The service of the command. */
export const service = text(
  "--service <service>",
  "the service: its number, its label or its ID",
  serviceNamed,
  {
    env: "BLOCKCLOUD_SERVICE",
    config: "provider.service",
    required: true,
  },
);
/** The auditor of the command. */
export const auditor = text(
  "--auditor <address>",
  "owner address of the auditor, which is its identity",
  address,
  {
    env: "BLOCKCLOUD_AUDITOR",
    config: "auditor.address",
    required: true,
  },
);
/** The resolver to query. */
export const resolverUrl = text("--resolver <url>", "query this resolver over HTTP", httpUrl, {
  env: "BLOCKCLOUD_RESOLVER",
  config: "resolver.url",
});
/** The folder of state that survives a restart. */
export const state = file("--state <folder>", "folder of the workers' state", anyText, {
  env: "BLOCKCLOUD_STATE",
  config: "state",
  default: ".blockcloud",
});

/** Flags of workers. */
export const workerFlags = {
  state,
  rpcPoll: text(
    "--rpc-poll <seconds>",
    "interval between polls for a new block (default: adapts to about one poll per block)",
    pollSeconds,
    { env: "BLOCKCLOUD_RPC_POLL", config: "rpcPoll" },
  ),
  rpcHeads: text(
    "--rpc-heads <url>",
    "WebSocket endpoint that announces new blocks, so that fewer polls are needed",
    webSocketUrl,
    { env: "BLOCKCLOUD_RPC_HEADS", config: "rpcHeads", secret: true },
  ),
  metrics: text(
    "--metrics <host:port>",
    "address at which /metrics and /healthz are served",
    hostAndPort,
    {
      env: "BLOCKCLOUD_METRICS",
      config: "metrics",
    },
  ),
  logLevel: text(
    "--log-level <level>",
    "lowest level that is logged",
    oneOf("debug", "info", "warn", "error"),
    {
      env: "BLOCKCLOUD_LOG_LEVEL",
      config: "logLevel",
      default: "info",
    },
  ),
  logFormat: text(
    "--log-format <format>",
    "json or text, one line each; auto is text at a terminal and json elsewhere",
    oneOf("auto", "json", "text"),
    {
      env: "BLOCKCLOUD_LOG_FORMAT",
      config: "logFormat",
      default: "auto",
    },
  ),
  withParent: toggle("--with-parent", "stop when standard input ends"),
};

/** The head polling that {@link workerFlags} configure. */
export function chainPace(
  flags: Pick<Values<typeof workerFlags>, "rpcPoll" | "rpcHeads">,
): ChainPace {
  const { rpcPoll, rpcHeads } = flags;
  return { pollMs: rpcPoll === undefined ? undefined : rpcPoll * 1000, headsUrl: rpcHeads };
}

/** The key files for a command that reads them without opening keys. */
export const keyPathFlags = {
  walletKey: pathOf(walletKey),
  serviceKey: pathOf(serviceKey),
  ownerKey: pathOf(ownerKey),
  operatorKey: pathOf(operatorKey),
};

/** The flag of a key for a command that only looks at its file. */
export function pathOf({ syntax, about, options }: Flag<unknown>) {
  return file(syntax, about, anyText, { ...(options.config && { config: options.config }) });
}
