import { Command, Option } from "commander";
import { enrolAuditor } from "../auditor/enrol.ts";
import { checkChain, createChainClient } from "../chain/client.ts";
import { loadDeployment } from "../chain/deployment.ts";
import { TransactionSender } from "../chain/sender.ts";
import { loadKey } from "../node/keys.ts";
import { silentLogger } from "../node/logger.ts";
import { blocAmount, wholeNumber } from "./options.ts";
import { deploymentOption, rpcOption } from "./shared.ts";

interface Flags {
  deployment: string;
  rpc: string[];
  stake: bigint;
  chainNumber: number;
  ownerKeyFile?: string;
  operatorKeyFile?: string;
  json: boolean;
}

/** `blockcloud auditor init` */
export function auditorInitCommand(): Command {
  return new Command("init")
    .description("Stake BLOC and enrol as an auditor; counts from the next epoch but one.")
    .addOption(deploymentOption())
    .addOption(rpcOption())
    .addOption(
      // Commander writes defaults as JSON, which knows no bigint.
      new Option("--stake <bloc>", "BLOC to stake")
        .argParser(blocAmount)
        .default(blocAmount("5000"), "5000"),
    )
    .option(
      "--owner-key-file <path>",
      "file with the key that owns the stake, mode 600 (default: $BLOCKCLOUD_OWNER_KEY)",
    )
    .option(
      "--operator-key-file <path>",
      "file with the key that the worker will run with (default: $BLOCKCLOUD_OPERATOR_KEY)",
    )
    .option(
      "--chain-number <n>",
      "how many hash chains this operator key has registered before",
      wholeNumber(0, 63),
      0,
    )
    .option("--json", "print the result as JSON", false)
    .addHelpText(
      "after",
      `
Example:
  blockcloud auditor init --deployment deployments/sepolia.json --rpc https://rpc.example \\
    --stake 20000 --owner-key-file owner.key --operator-key-file operator.key

The operator's address needs ether for gas.`,
    )
    .action(async (flags: Flags) => {
      const deployment = loadDeployment(flags.deployment);
      const ownerKey = loadKey({ file: flags.ownerKeyFile, variable: "BLOCKCLOUD_OWNER_KEY" });
      const operatorKey = loadKey({
        file: flags.operatorKeyFile,
        variable: "BLOCKCLOUD_OPERATOR_KEY",
      });
      const { chainId } = deployment;
      const client = createChainClient(flags.rpc, chainId);
      await checkChain(client, deployment);
      const owner = new TransactionSender(
        { rpcUrls: flags.rpc, chainId, key: ownerKey },
        { client, log: silentLogger },
      );
      const { stake, chainNumber } = flags;
      const operator = await enrolAuditor(owner, client, deployment, {
        operatorKey,
        stake,
        chainNumber,
      });
      process.stdout.write(
        flags.json
          ? `${JSON.stringify({ auditor: owner.address, operator })}\n`
          : `auditor ${owner.address}, run by ${operator}, counts from the next epoch but one\n`,
      );
    });
}
