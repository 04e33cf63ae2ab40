import { Command, Option } from "commander";
import { checkChain, createChainClient } from "../chain/client.ts";
import { loadDeployment } from "../chain/deployment.ts";
import { TransactionSender } from "../chain/sender.ts";
import { Services } from "../chain/services.ts";
import { loadKey } from "../node/keys.ts";
import { silentLogger } from "../node/logger.ts";
import { registerService } from "../provider/register.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { parseProbe } from "../protocol/probe.ts";
import { rootServiceId } from "../protocol/serviceId.ts";
import { addressOfKey } from "../protocol/signature.ts";
import { blocAmount } from "./options.ts";
import { deploymentOption, rpcOption } from "./shared.ts";

interface Flags {
  deployment: string;
  rpc: string[];
  class: string;
  probe: string;
  stake: bigint;
  metadata: string;
  serviceKeyFile?: string;
  walletKeyFile?: string;
  json: boolean;
}

/** `blockcloud service register` */
export function serviceRegisterCommand(): Command {
  return new Command("register")
    .description("Register a service by a contract call: burns the class's fee and stakes BLOC.")
    .addOption(deploymentOption())
    .addOption(rpcOption())
    .option("--class <name>", "class of the service", "http")
    .requiredOption("--probe <json>", "how auditors inspect it (docs/protocol.md, section 2)")
    .addOption(
      // Commander writes defaults as JSON, which knows no bigint.
      new Option("--stake <bloc>", "BLOC to stake")
        .argParser(blocAmount)
        .default(blocAmount("1000"), "1000"),
    )
    .option("--metadata <uri>", "URI of a description", "")
    .option(
      "--service-key-file <path>",
      "file with the service key, mode 600 (default: $BLOCKCLOUD_SERVICE_KEY)",
    )
    .option(
      "--wallet-key-file <path>",
      "file with the key that owns the service and pays (default: $BLOCKCLOUD_WALLET_KEY)",
    )
    .option("--json", "print the result as JSON", false)
    .addHelpText(
      "after",
      `
Example:
  blockcloud service register --deployment deployments/sepolia.json --rpc https://rpc.example \\
    --probe '{"v":1,"requests":[{"path":"/health"}]}' --stake 1000 \\
    --service-key-file service.key --wallet-key-file wallet.key`,
    )
    .action(async (flags: Flags) => {
      const deployment = loadDeployment(flags.deployment);
      const probe = parseProbe(new TextEncoder().encode(flags.probe));
      const serviceKey = loadKey({
        file: flags.serviceKeyFile,
        variable: "BLOCKCLOUD_SERVICE_KEY",
      });
      const key = loadKey({ file: flags.walletKeyFile, variable: "BLOCKCLOUD_WALLET_KEY" });
      const { chainId } = deployment;
      const client = createChainClient(flags.rpc, chainId);
      await checkChain(client, deployment);
      const services = new Services(client, deployment);
      const classes = await services.classes();
      const classId = classes.findIndex(({ name }) => name === flags.class);
      if (classId === -1) {
        const names = classes.map(({ name }) => name).join(", ");
        throw new BlockcloudError("CLASS_UNKNOWN", `There is no class ${flags.class}.`, {
          remedy: `Classes: ${names}.`,
        });
      }
      const owner = new TransactionSender(
        { rpcUrls: flags.rpc, chainId, key },
        { client, log: silentLogger },
      );
      const number = await registerService(owner, deployment, services, {
        classId,
        key: addressOfKey(serviceKey),
        probe,
        metadata: flags.metadata,
        stake: flags.stake,
      });
      const id = rootServiceId(number);
      process.stdout.write(
        flags.json
          ? `${JSON.stringify({ number: Number(number), id, owner: owner.address })}\n`
          : `service ${number}, owned by ${owner.address}, counts from the next epoch\nID ${id}\n`,
      );
    });
}
