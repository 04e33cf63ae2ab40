import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { createWalletClient, http, type Address, type Hex } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { describeChain, type ChainClient } from "../../src/chain/client.ts";

/** The part of solc that is used. */
interface Compiler {
  compile(input: string): string;
}

/** Compiles test/support/StandInCoin.sol. */
function compile(): Hex {
  const solc = createRequire(import.meta.url)("solc") as Compiler;
  const file = path.join(import.meta.dirname, "StandInCoin.sol");
  const output = JSON.parse(
    solc.compile(
      JSON.stringify({
        language: "Solidity",
        sources: { "StandInCoin.sol": { content: readFileSync(file, "utf8") } },
        settings: {
          evmVersion: "cancun",
          outputSelection: { "*": { "*": ["evm.bytecode.object"] } },
        },
      }),
    ),
  ) as { contracts: Record<string, Record<string, { evm: { bytecode: { object: string } } }>> };
  return `0x${output.contracts["StandInCoin.sol"]!.StandInCoin!.evm.bytecode.object}`;
}

/** Deploys the stand-in of a stablecoin; the key holds all of it. */
export async function deployStandInCoin(
  rpcUrl: string,
  client: ChainClient,
  key: Hex,
): Promise<Address> {
  const { id } = client.chain;
  const wallet = createWalletClient({
    account: privateKeyToAccount(key),
    chain: describeChain(id),
    transport: http(rpcUrl),
  });
  const hash = await wallet.sendTransaction({ data: compile() });
  const { contractAddress } = await client.waitForTransactionReceipt({ hash });
  return contractAddress!;
}
