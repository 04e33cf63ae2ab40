import type { TabPayer } from "../../cashier/tabs.ts";
import { openWallet } from "../../cashier/payer/openWallet.ts";
import { createChainClient } from "../../chain/client.ts";
import { ChainClock } from "../../chain/clock.ts";
import { chosenDeployment, type NetworkChoice } from "../../chain/networks.ts";
import { silentLogger, type Logger } from "../../node/logger.ts";
import { systemTimers, type Timers } from "../../node/timers.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { registerTabScheme, type X402Client, type X402Network } from "./tabScheme.ts";

/** How requests are paid by tab. Amounts are BLOC in wei. */
export type TabPayerOptions = NetworkChoice & {
  /** Your RPC endpoints: the preferred one, then its fallbacks. */
  rpc: string | URL | readonly (string | URL)[];
  /** 32 secret bytes: the payer's key, whose account of the Cashier has BLOC. It never needs ether. */
  key: Uint8Array;
  /** Folder of the wallet; one process at a time may use it with a key. */
  stateDir: string;
  /** The most that is ever paid by this wallet. */
  maxSpend: bigint;
  /** The most that is paid in a day. */
  maxSpendDay?: bigint;
  /** The least grade for which is paid; default 0, for any. */
  minGrade?: number;
};

/** Dependencies; tests replace them. */
export interface TabPayerEnvironment {
  timers?: Timers;
  log?: Logger;
}

/** A wallet on disk, until it is closed. */
export interface OpenedPayer extends AsyncDisposable {
  readonly wallet: TabPayer;
  /** Lets an x402 client pay by tab; returns the client. */
  register<C extends X402Client>(client: C, network?: X402Network): C;
  close(): Promise<void>;
}

/**
 * Opens a payer's wallet for x402 clients.
 *
 * @throws BlockcloudError `CLIENT_OPTIONS_INVALID`, `NETWORK_UNKNOWN`, `DEPLOYMENT_INVALID`, `RPC_URL_INVALID`;
 *   `CASHIER_WALLET` if another process uses the wallet; those of `openStore`.
 * @example
 * await using payer = await openTabPayer({ network: "sepolia", rpc, key, stateDir: ".blockcloud", maxSpend });
 * const payingFetch = wrapFetchWithPayment(fetch, payer.register(new x402Client()));
 */
export async function openTabPayer(
  options: TabPayerOptions,
  { timers = systemTimers, log = silentLogger }: TabPayerEnvironment = {},
): Promise<OpenedPayer> {
  const { rpc, key, stateDir, maxSpend, maxSpendDay, minGrade } = options;
  const deployment = chosenDeployment(options);
  if (deployment === undefined) {
    throw new BlockcloudError(
      "CLIENT_OPTIONS_INVALID",
      "Neither network nor deployment is given, or both are.",
      { remedy: "Give one of the two." },
    );
  }
  const urls = (typeof rpc === "string" || rpc instanceof URL ? [rpc] : rpc).map(String);
  const client = createChainClient(urls, deployment.chainId);
  const time = new ChainClock({ timing: deployment }, { client, timers, log });
  await time.start();
  try {
    const caps = { total: { ever: maxSpend, day: maxSpendDay } };
    const wallet = openWallet({ stateDir, deployment, key, caps }, { client, time, log });
    const close = async () => {
      wallet.close();
      await time.stop();
    };
    const scheme = {
      token: deployment.contracts.token,
      monotonic: () => timers.monotonic(),
      ...(minGrade !== undefined && { minGrade }),
    };
    return {
      wallet: wallet.wallet,
      register: (x402, network) =>
        registerTabScheme(x402, wallet.wallet, {
          ...scheme,
          ...(network !== undefined && { network }),
        }),
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await time.stop();
    throw error;
  }
}
