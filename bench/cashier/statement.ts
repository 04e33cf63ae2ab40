import { encodeFunctionData, parseEther, type Address, type Hex } from "viem";
import { compareBooks, countBooks } from "../../devnet/cashierBooks.ts";
import { readStatement } from "../../src/chain/cashier/statement.ts";
import { readHoldings } from "../../src/chain/cashier/tabs.ts";
import { cashierAbi } from "../../src/protocol/abi/cashier.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { LONGEST_BATCH } from "../../src/protocol/voucher.ts";
import { BenchChain } from "../chain.ts";
import { Fleet, keyOf } from "../fleet.ts";
import { BenchPayer } from "./payer.ts";

const PAYERS = 20;
const SERVICES = 5;
/** Vouchers of each payer at each service. */
const ROUNDS = 10;
const DEPOSIT = parseEther("1000") + 7n;
const LIMIT = parseEther("100") + 3n;
const PIECE = 123_456_789_012_345_678n;

/** Statements of payers beside a count of all events, and beside the contract's own figures. */
export interface StatementFigures {
  payers: number;
  redemptions: number;
  /** Figures of the contract that were compared with the count. */
  compared: number;
  /** Figures that differ: between count and contract, or between a statement and the count. */
  differences: number;
  /** Milliseconds of one statement with its balance, one payer's events read from the node. */
  statementMs: number;
}

/** Lets payers pay, and compares their statements with a full recount from events. */
export async function measureStatements(): Promise<StatementFigures> {
  const chain = await BenchChain.start();
  try {
    const fleet = new Fleet(chain, { services: SERVICES, stakes: [] });
    await fleet.register();
    const payers = Array.from({ length: PAYERS }, (_, at) => new BenchPayer(chain, `reader ${at}`));
    await pay(chain, payers);
    return await compare(chain, payers);
  } finally {
    await chain.stop();
  }
}

async function pay(chain: BenchChain, payers: readonly BenchPayer[]): Promise<void> {
  const collector = addressOfKey(keyOf("collector of statements"));
  const send = (from: Address, functionName: string, args: readonly unknown[]) =>
    chain.send({ from, contract: "cashier", functionName, args });
  for (const [salt, payer] of payers.entries()) {
    await payer.fund(DEPOSIT);
    await send(payer.address, "depositWithPermit", await payer.permit(DEPOSIT));
    const calls: Hex[] = [];
    for (let service = 1n; service <= SERVICES; service++) {
      const args = await payer.tab({ service, collector, salt, limit: LIMIT });
      calls.push(encodeFunctionData({ abi: cashierAbi, functionName: "openTab", args }));
    }
    await send(collector, "tryMulticall", [calls]);
    await send(payer.address, "withdraw", [PIECE + BigInt(salt)]);
  }
  const epoch = await chain.epoch();
  for (let round = 1n; round <= ROUNDS; round++) {
    const items = Array.from({ length: SERVICES }, (_, at) => BigInt(at + 1)).flatMap((service) =>
      payers.map((payer, salt) =>
        payer.voucher({ service, collector, salt, cumulative: round * PIECE * service, epoch }),
      ),
    );
    for (let from = 0; from < items.length; from += LONGEST_BATCH) {
      await send(collector, "redeemBatch", [items.slice(from, from + LONGEST_BATCH)]);
    }
  }
}

async function compare(
  chain: BenchChain,
  payers: readonly BenchPayer[],
): Promise<StatementFigures> {
  const { client, deployment } = chain;
  const block = await client.getBlockNumber();
  const books = await countBooks(client, deployment, block);
  const { compared, differences } = await compareBooks(client, deployment, books);
  let wrong = differences.length;
  const blocks = { from: BigInt(deployment.block), to: block };
  const started = performance.now();
  for (const { address: payer } of payers) {
    const found = await readStatement(client, deployment, { payer, blocks });
    const { left } = await readHoldings(client, deployment, { payer, block });
    const counted = books.payers.get(payer);
    const byService = new Map<Hex, bigint>();
    for (const tab of books.tabs) {
      if (tab.payer === payer) byService.set(tab.service, tab.paid);
    }
    wrong += [
      found.deposited === counted?.deposited,
      found.withdrawn === counted?.withdrawn,
      found.paid === counted?.paid,
      left === found.deposited - found.withdrawn - found.paid,
      found.rows.length === byService.size,
      ...found.rows.map(({ service, amount }) => byService.get(service) === amount),
    ].filter((same) => !same).length;
  }
  return {
    payers: payers.length,
    redemptions: books.redemptions,
    compared,
    differences: wrong,
    statementMs: Math.round((performance.now() - started) / payers.length),
  };
}
