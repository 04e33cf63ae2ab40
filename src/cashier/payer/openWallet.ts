import { Cashier } from "../../chain/cashier/cashier.ts";
import type { ChainClient } from "../../chain/client.ts";
import type { ChainTime } from "../../chain/clock.ts";
import type { Deployment } from "../../chain/deployment.ts";
import { WorkerLock } from "../../node/lock.ts";
import type { Logger } from "../../node/logger.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { addressOfKey } from "../../protocol/signature.ts";
import { cashierDomain } from "../../protocol/voucher.ts";
import { cashierError } from "../errors.ts";
import { walletName, WalletStore, walletStoreFile } from "./store.ts";
import { Wallet, type WalletOptions } from "./wallet.ts";

/** A wallet on disk, until it is closed. */
export interface OpenedWallet extends Disposable {
  wallet: Wallet;
  close(): void;
}

/**
 * Opens a payer's wallet in a state folder. Another process that has it open is refused: two would sign the same
 * amounts of a tab twice.
 *
 * @throws BlockcloudError `CASHIER_WALLET` if another process uses it; those of `openStore` and of the lock.
 * @example
 * using opened = openWallet({ stateDir, deployment, key, caps }, { client, time, log });
 * const tab = await opened.wallet.tabFor(quote);
 */
export function openWallet(
  options: Omit<WalletOptions, "domain"> & { stateDir: string; deployment: Deployment },
  dependencies: { client: ChainClient; time: ChainTime; log: Logger },
): OpenedWallet {
  const { stateDir, deployment } = options;
  const { client, time, log } = dependencies;
  const payer = options.payer ?? addressOfKey(options.key);
  const lock = takeLock({ stateDir, name: walletName(deployment, payer) }, payer);
  let store: WalletStore | undefined;
  let wallet: Wallet;
  try {
    store = new WalletStore(walletStoreFile(stateDir, deployment, payer));
    const domain = cashierDomain(BigInt(deployment.chainId), deployment.contracts.cashier);
    const chain = new Cashier(client, deployment);
    wallet = new Wallet({ ...options, domain }, { store, chain, time, log });
  } catch (error) {
    store?.close();
    lock.release();
    throw error;
  }
  const close = () => {
    wallet.close();
    lock.release();
  };
  return { wallet, close, [Symbol.dispose]: close };
}

function takeLock(options: Parameters<typeof WorkerLock.take>[0], payer: string): WorkerLock {
  try {
    return WorkerLock.take(options);
  } catch (cause) {
    if (!(cause instanceof BlockcloudError) || cause.code !== "WORKER_RUNNING") throw cause;
    throw cashierError("wallet", `Another process uses the wallet of ${payer}.`, {
      cause,
      remedy: "Stop it first, or give this process another key, or another state folder.",
    });
  }
}
