import { erc20Abi, formatEther, formatGwei, type Address } from "viem";
import type { ChainClient } from "../../chain/client.ts";
import type { Deployment } from "../../chain/deployment.ts";
import { ENOUGH_ROUNDS, roundsLeft } from "../../chain/runway.ts";
import { findKey } from "../../node/keys.ts";
import type { Environment } from "../framework/io.ts";
import { examine, ill, well, type CheckResult } from "./check.ts";

/** A key to check. */
export interface KeyToCheck {
  readonly name: string;
  readonly file: string | undefined;
  readonly variable: string;
  /** Gas that a worker with this key needs for a round or an epoch (snapshots/gas.json); 0 for none. */
  readonly gasPerRound: bigint;
}

/** Checks the given keys: their files, addresses and balances. Asks for no password. */
export async function examineKeys(
  keys: readonly KeyToCheck[],
  env: Environment,
  chain: { client: ChainClient; deployment: Deployment },
): Promise<readonly CheckResult[]> {
  const named = keys.filter(
    ({ file, variable }) => file !== undefined || (env[variable] ?? "").trim() !== "",
  );
  const found = await Promise.all(
    named.map(({ name, file, variable, gasPerRound }) =>
      examine(`${name} key`, "Check the key.", async () => {
        const { where, address, encrypted } = findKey({ file, variable, env });
        const what = encrypted ? ", encrypted" : "";
        if (address === undefined) return well(`${name} key`, `${where}${what}, no address in it`);
        return [
          well(`${name} key`, `${address}${what}`),
          ...(gasPerRound === 0n
            ? []
            : await examine(`${name} balance`, "Check the RPC endpoint.", () =>
                balance(name, address, gasPerRound, chain),
              )),
        ];
      }),
    ),
  );
  return found.flat();
}

async function balance(
  name: string,
  address: Address,
  gasPerRound: bigint,
  { client, deployment }: { client: ChainClient; deployment: Deployment },
): Promise<CheckResult> {
  const [ether, bloc, price] = await Promise.all([
    client.getBalance({ address }),
    client.readContract({
      address: deployment.contracts.token,
      abi: erc20Abi,
      functionName: "balanceOf",
      args: [address],
    }),
    client.getGasPrice(),
  ]);
  const rounds = roundsLeft(ether, price, gasPerRound) ?? ENOUGH_ROUNDS;
  const detail =
    `${formatEther(ether)} ETH, for about ${rounds} rounds at ${formatGwei(price)} gwei; ` +
    `${formatEther(bloc)} BLOC`;
  return rounds >= ENOUGH_ROUNDS
    ? well(`${name} balance`, detail)
    : ill(
        `${name} balance`,
        detail,
        `Send ether to ${address}: it should last ${ENOUGH_ROUNDS} rounds.`,
      );
}
