import type { Address, TransactionReceipt } from "viem";
import { CollectorReads } from "../../src/cashier/collector/chain.ts";
import { Collector } from "../../src/cashier/collector/collector.ts";
import { Redeemer } from "../../src/cashier/collector/redeemer.ts";
import { CollectorStore, type StoredTab } from "../../src/cashier/collector/store.ts";
import { silentLogger } from "../../src/node/logger.ts";
import { systemScheduler } from "../../src/node/scheduler.ts";
import { systemTimers } from "../../src/node/timers.ts";
import type { Call } from "../../src/chain/transactions/call.ts";
import type { BenchChain, ContractName } from "../chain.ts";

/** Gas limit of a transaction (EIP-7825). */
const TRANSACTION_LIMIT = 16_777_216;

/** What the redemption of a backlog took. */
export interface BacklogFigures {
  vouchers: number;
  days: number;
  /** Redemptions and the collection. */
  transactions: number;
  largest: number;
  total: number;
  /** The part of the transactions that keep within the limit of a transaction, which is below a block's. */
  withinLimit: number;
}

/**
 * Lets a provider's own redeemer work off a backlog: a collector starts with the tabs on its disk, and its first round
 * looks at them, redeems and collects.
 *
 * @param held Open tabs, each with its voucher.
 * @throws Error if anything is left.
 */
export async function measureBacklog(
  chain: BenchChain,
  { collector: address, number, held }: { collector: Address; number: bigint; held: StoredTab[] },
): Promise<Omit<BacklogFigures, "days">> {
  const { client, deployment } = chain;
  const gas: number[] = [];
  const send = async (call: Call): Promise<TransactionReceipt> => {
    const { functionName, args } = call;
    const contract = nameOf(chain, call.address);
    const mined = await chain.send({ from: address, contract, functionName, args: args ?? [] });
    gas.push(mined.gas);
    return client.getTransactionReceipt({ hash: mined.hash });
  };
  const { timestamp } = await client.getBlock();
  const head = { timestamp: Number(timestamp) };
  const store = new CollectorStore(":memory:");
  store.commit(
    held.map((tab) => ({ ...tab, added: tab.vouchers, gone: [] })),
    [],
  );
  const shared = {
    ...{ deployment, chain: new CollectorReads(client, deployment), timers: systemTimers },
    sender: { address, gasPrice: () => Promise.resolve(1n), send } as never,
    time: { timing: deployment, now: () => head.timestamp, head: () => head } as never,
    log: silentLogger,
  };
  const price = { perByte: 1n, perRequest: 0n, perSecond: 0n };
  const collector = new Collector({ number, price }, { ...shared, store, clock: systemScheduler });
  await collector.start();
  const redeemer = new Redeemer(
    { blocPriceWei: 10n ** 18n, everyMs: 60_000 },
    { ...shared, collector },
  );
  await redeemer.round();
  const left = [...collector.tabs].filter((tab) => tab.redeemed < tab.best).length;
  if (left > 0) throw new Error(`${left} vouchers were not redeemed.`);
  await collector.stop();
  store.close();
  const within = gas.filter((each) => each <= TRANSACTION_LIMIT).length;
  return {
    vouchers: held.length,
    transactions: gas.length,
    largest: Math.max(...gas),
    total: gas.reduce((sum, each) => sum + each, 0),
    withinLimit: within / gas.length,
  };
}

function nameOf({ deployment }: BenchChain, address: Address): ContractName {
  const found = Object.entries(deployment.contracts).find(([, each]) => each === address);
  if (found === undefined) throw new Error(`No contract is at ${address}.`);
  return found[0] as ContractName;
}
