import type { Hex } from "viem";
import type { Cap, Caps, Payment } from "../../cashier/payer/spending.ts";
import type { TabPayer } from "../../cashier/tabs.ts";
import type { ChainClient } from "../../chain/client.ts";
import type { Deployment } from "../../chain/deployment.ts";
import type { Client } from "../../client/client.ts";
import type { Logger } from "../../node/logger.ts";
import type { PathObserver } from "../../sal/client/dependencies.ts";
import type { Timers } from "../../node/timers.ts";
import { hexToBytes } from "../../protocol/bytes.ts";
import { addressOfKey } from "../../protocol/signature.ts";
import { payerKey } from "../cashier/flags.ts";
import { optional, text, type Values } from "../framework/flag.ts";
import type { Check } from "../framework/command.ts";
import { address, blocAmount, wholeNumber } from "../framework/values.ts";
import { clientOf, type userFlags } from "./flags.ts";

/** Flags of commands that pay for services. */
export const payFlags = {
  maxSpend: text(
    "--max-spend <bloc>",
    "pay for priced services, up to this much in this run (default: pay nothing)",
    blocAmount,
    { env: "BLOCKCLOUD_MAX_SPEND", config: "pay.maxSpend" },
  ),
  maxSpendService: text(
    "--max-spend-service <bloc>",
    "of it, up to this much for one service",
    blocAmount,
    { config: "pay.maxSpendService" },
  ),
  maxSpendDay: text(
    "--max-spend-day <bloc>",
    "up to this much in a day (UTC), with earlier runs that have used the state folder",
    blocAmount,
    { config: "pay.maxSpendDay" },
  ),
  minGrade: text(
    "--min-grade <grade>",
    "pay only for epochs that auditors graded at least so: 1 POOR, 2 GOOD, 3 EXCELLENT; 0: for any",
    wholeNumber(0, 3),
    { config: "pay.minGrade", default: "0" },
  ),
  payerKey: optional(payerKey),
  payer: text(
    "--payer <address>",
    "the account that pays, if the key is a session key that it has authorized",
    address,
    { env: "BLOCKCLOUD_PAYER", config: "pay.payer" },
  ),
};

/** Checks that a command that is to pay has a key, and that the other flags stand beside `--max-spend`. */
export const checkPay: Check = ({ values, found }, _, problems) => {
  if (found.maxSpend === undefined) {
    const lonely = [found.maxSpendService, found.maxSpendDay].filter((each) => each !== undefined);
    for (const { source } of lonely) problems.add(`${source}: give --max-spend, too.`);
  } else if (values.payerKey === undefined) {
    problems.add(`${found.maxSpend.source}: there is no key that pays. Give --payer-key-file.`);
  }
};

/** A client that may pay, until it is closed. */
export interface PayingClient {
  readonly client: Client;
  /** BLOC in wei that it has paid so far; undefined if it pays nothing. */
  spent(): bigint | undefined;
  /** Closes the client, then its wallet. */
  close(): Promise<void>;
}

type PayingFlags = Values<typeof payFlags> &
  Values<typeof userFlags> & { readonly state: string; readonly rpc: readonly string[] };

/**
 * The client of a command that pays for services with `--max-spend`.
 *
 * @throws BlockcloudError `CASHIER_WALLET` if another process uses the wallet; those of its store.
 */
export async function payingClient(
  flags: PayingFlags,
  deployment: Deployment,
  environment: { client: ChainClient; timers: Timers; log: Logger; observer?: PathObserver },
  limits: { maxSessions?: number; sessionMs?: number } = {},
): Promise<PayingClient> {
  const { timers, log, observer } = environment;
  const opened = await openPayer(flags, deployment, environment);
  let spent = 0n;
  const payer = opened && {
    wallet: opened.wallet,
    minGrade: flags.minGrade,
    observer: {
      spent: ({ amount }: { amount: bigint }) => {
        spent += amount;
      },
    },
  };
  try {
    const client = await clientOf(
      flags,
      deployment,
      { timers, log, ...(observer && { observer }), ...(payer && { payer }) },
      limits,
    );
    return {
      client,
      spent: () => (opened === undefined ? undefined : spent),
      close: async () => {
        await client.close();
        await opened?.close();
      },
    };
  } catch (error) {
    await opened?.close();
    throw error;
  }
}

/** The wallet that {@link payFlags} describe, and its clock; undefined without `--max-spend`. */
async function openPayer(
  flags: PayingFlags,
  deployment: Deployment,
  environment: { client: ChainClient; timers: Timers; log: Logger },
): Promise<{ wallet: TabPayer; close(): Promise<void> } | undefined> {
  const { maxSpend, payerKey: key, state: stateDir } = flags;
  if (maxSpend === undefined || key === undefined) return undefined;
  // Loaded here: most users pay nothing.
  const { openWallet } = await import("../../cashier/payer/openWallet.ts");
  const { WalletStore, walletStoreFile } = await import("../../cashier/payer/store.ts");
  const { ChainClock } = await import("../../chain/clock.ts");
  const payer = flags.payer ?? addressOfKey(key);
  const store = new WalletStore(walletStoreFile(stateDir, deployment, payer));
  const payments = store.payments();
  store.close();
  const { client, timers, log } = environment;
  const time = new ChainClock({ timing: deployment }, { client, timers, log });
  await time.start();
  try {
    const caps = capsOf({ ...flags, maxSpend }, payments);
    const options = { stateDir, deployment, key: hexToBytes(key), payer, caps };
    const { wallet, close } = openWallet(options, { client, time, log });
    return {
      wallet,
      close: async () => {
        close();
        await time.stop();
      },
    };
  } catch (error) {
    await time.stop();
    throw error;
  }
}

/** Caps of this run: what earlier runs have paid does not count for them, except in the cap of a day. */
export function capsOf(
  flags: Pick<Values<typeof payFlags>, "maxSpendService" | "maxSpendDay"> & { maxSpend: bigint },
  payments: readonly Payment[],
): Caps {
  const { maxSpend, maxSpendService, maxSpendDay } = flags;
  const before = new Map<Hex, bigint>();
  for (const { service, amount } of payments)
    before.set(service, (before.get(service) ?? 0n) + amount);
  const all = [...before.values()].reduce((sum, amount) => sum + amount, 0n);
  const own = (spent: bigint): Cap => ({ ever: spent + (maxSpendService ?? 0n) });
  return {
    total: { ever: all + maxSpend, day: maxSpendDay },
    ...(maxSpendService !== undefined && {
      eachService: own(0n),
      services: new Map([...before].map(([service, spent]) => [service, own(spent)])),
    }),
  };
}
