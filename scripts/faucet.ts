/**
 * `npm run faucet -- --network NAME --to ADDRESS`: sends BLOC, and ether for gas, on test networks, from the
 * deployer's key or another funded key.
 */
import { Command } from "commander";
import { createHardhatRuntimeEnvironment } from "hardhat/hre";
import path from "node:path";
import {
  createPublicClient,
  custom,
  encodeFunctionData,
  erc20Abi,
  formatEther,
  getAddress,
  isAddress,
  parseEther,
  type Address,
} from "viem";
import config from "../hardhat.config.ts";
import { networks } from "../ignition/networks.ts";
import { loadDeployment } from "../src/chain/deployment.ts";
import { TEST_CHAINS } from "../src/chain/networks.ts";
import { refuseSecret } from "../src/node/misplaced.ts";
import { BlockcloudError } from "../src/protocol/errors.ts";

const root = path.dirname(import.meta.dirname);

interface Flags {
  network: string;
  to: string;
  bloc: string;
  ether: string;
  rpc?: string;
  folder: string;
  json: boolean;
}

const flags = new Command("npm run faucet --")
  .description("Send BLOC and ether on a test network from the network's first account.")
  .requiredOption("--network <name>", `one of ${Object.keys(networks).join(", ")}`)
  .requiredOption("--to <address>", "receiver")
  .option("--bloc <amount>", "BLOC to send", "10000")
  .option("--ether <amount>", "ether to send", "0")
  .option("--rpc <url>", "JSON-RPC endpoint, for devnet only (default: http://127.0.0.1:8545)")
  .option("--folder <path>", "folder of deployments/", root)
  .option("--json", "print the result as one line of JSON", false)
  .addHelpText(
    "after",
    `
Example:
  npm run faucet -- --network sepolia --to 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 \\
    --bloc 6000 --ether 0.05`,
  )
  .parse()
  .opts<Flags>();

try {
  for (const value of Object.values(flags)) if (typeof value === "string") refuseSecret(value);
  await main();
} catch (error) {
  const known = error instanceof BlockcloudError;
  const what = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${known ? error.code : "FAUCET_FAILED"}: ${what}\n`);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  if (!(flags.network in networks)) {
    throw new BlockcloudError("NETWORK_UNKNOWN", `There is no network ${flags.network}.`, {
      remedy: `Networks: ${Object.keys(networks).join(", ")}.`,
    });
  }
  const to = receiver(flags.to);
  const [bloc, ether] = [wei(flags.bloc), wei(flags.ether)];
  const deployment = loadDeployment(
    path.join(flags.folder, "deployments", `${flags.network}.json`),
  );
  const hre = await createHardhatRuntimeEnvironment(config, {}, root);
  const connection = await hre.network.create({
    network: flags.network,
    ...(flags.rpc !== undefined && { override: { url: flags.rpc } }),
  });
  try {
    const { ethers } = connection;
    const chainId = Number((await ethers.provider.getNetwork()).chainId);
    if (chainId !== deployment.chainId || !TEST_CHAINS.includes(chainId)) {
      throw new BlockcloudError("NO_TEST_CHAIN", `Chain ${chainId} is not a known test network.`, {
        remedy: `Use an RPC endpoint of ${flags.network}, chain ${deployment.chainId}.`,
      });
    }
    const [giver] = await ethers.getSigners();
    if (giver === undefined)
      throw new BlockcloudError("KEY_MISSING", "The network has no account.");
    const client = createPublicClient({ transport: custom(connection.provider), cacheTime: 0 });
    const { token } = deployment.contracts;
    const held = await client.readContract({
      address: token,
      abi: erc20Abi,
      functionName: "balanceOf",
      args: [giver.address as Address],
    });
    if (held < bloc) {
      throw new BlockcloudError(
        "BALANCE_SHORT",
        `${giver.address} holds ${formatEther(held)} BLOC, but ${flags.bloc} BLOC are requested.`,
        { remedy: "Ask the treasury, which holds the supply, to send BLOC to this account." },
      );
    }
    const data = encodeFunctionData({
      abi: erc20Abi,
      functionName: "transfer",
      args: [to, bloc],
    });
    const gifts = [...(bloc > 0n ? [{ to: token, data }] : []), { to, value: ether }];
    const hashes: string[] = [];
    for (const gift of gifts.filter((one) => "data" in one || one.value > 0n)) {
      const response = await giver.sendTransaction(gift);
      await response.wait();
      hashes.push(response.hash);
    }
    process.stdout.write(
      flags.json
        ? `${JSON.stringify({ to, bloc: bloc.toString(), ether: ether.toString(), hashes })}\n`
        : `${to} got ${flags.bloc} BLOC and ${flags.ether} ether\n`,
    );
  } finally {
    await connection.close();
  }
}

function receiver(text: string): Address {
  if (isAddress(text)) return getAddress(text);
  throw new BlockcloudError("ADDRESS_INVALID", `${text} is not an address.`, {
    remedy: "Give 0x and 40 hexadecimal digits, with a valid checksum.",
  });
}

function wei(text: string): bigint {
  if (/^\d{1,9}(\.\d{1,18})?$/.test(text)) return parseEther(text);
  throw new BlockcloudError("AMOUNT_INVALID", `${text} is not an amount.`, {
    remedy: "Give a number such as 6000 or 0.05.",
  });
}
