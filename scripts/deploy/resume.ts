import { trackTransaction } from "@nomicfoundation/ignition-core";
import { existsSync } from "node:fs";
import { readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Address, Hex, PublicClient } from "viem";
import type { Connection } from "../../ignition/deploy.ts";
import { BlockcloudError } from "../../src/protocol/errors.ts";

/** Maximum wait for transactions of an earlier run, milliseconds. */
const PATIENCE_MS = 600_000;
const POLL_MS = 500;

/** The used fields of a line of Ignition's journal. */
interface Entry {
  type: string;
  futureId?: string;
  networkInteractionId?: number;
  nonce?: number;
}

/**
 * Repairs a journal after its process was killed at any moment, so that Ignition can continue. Ignition 3.1 cannot
 * continue a future that has no planned transaction, and does not find a transaction that was sent before its hash was
 * written. The first is removed from the journal, the second is found by its nonce. Then this waits until all
 * transactions of the deployer are confirmed, as Ignition requires.
 */
export async function mendJournal(
  folder: string,
  connection: Connection,
  input: { client: PublicClient; deployer: Address; confirmations: number },
): Promise<void> {
  const file = path.join(folder, "journal.jsonl");
  if (!existsSync(file)) return;
  const lines = completeLines(await readFile(file, "utf8"));
  const entries = lines.map((line) => JSON.parse(line) as Entry);
  const kept = lines.filter((_, index) => !isHollow(entries, index));
  await writeFile(`${file}.new`, kept.map((line) => `${line}\n`).join(""));
  await rename(`${file}.new`, file);

  await untilConfirmed(input);
  for (const nonce of unrecorded(entries)) {
    const hash = await transactionOf(input.client, input.deployer, nonce);
    // It was never sent, so Ignition sends it again.
    if (hash === undefined) continue;
    await trackTransaction(folder, hash, connection.provider, input.confirmations);
  }
}

/** The text without an incomplete last line. */
function completeLines(text: string): string[] {
  return text
    .split("\n")
    .slice(0, -1)
    .filter((line) => line !== "");
}

/** Whether an entry begins a future without further entries, for which no transaction was sent. */
function isHollow(entries: readonly Entry[], index: number): boolean {
  const entry = entries[index];
  return (
    entry?.type.endsWith("_EXECUTION_STATE_INITIALIZE") === true &&
    // These kinds need no transaction.
    !entry.type.startsWith("CONTRACT_AT") &&
    !entries.slice(index + 1).some(({ futureId }) => futureId === entry.futureId)
  );
}

/** Nonces of transactions that may have been sent, but whose hashes were not written. */
function unrecorded(entries: readonly Entry[]): number[] {
  const same = (a: Entry, b: Entry) =>
    a.futureId === b.futureId && a.networkInteractionId === b.networkInteractionId;
  return entries
    .filter(({ type }) => type === "TRANSACTION_PREPARE_SEND")
    .filter((prepared) => !entries.some((e) => e.type === "TRANSACTION_SEND" && same(e, prepared)))
    .flatMap(({ nonce }) => nonce ?? []);
}

/** The hash of a mined transaction, found by the block in which its sender's count passes its nonce. */
async function transactionOf(
  client: PublicClient,
  from: Address,
  nonce: number,
): Promise<Hex | undefined> {
  let [low, high] = [0n, await client.getBlockNumber()];
  if ((await client.getTransactionCount({ address: from, blockNumber: high })) <= nonce) {
    return undefined;
  }
  // From the newest block back in doubling steps, because few nodes have old states.
  for (let step = 1n; high - step > 0n; step *= 2n) {
    const count = await client.getTransactionCount({ address: from, blockNumber: high - step });
    if (count <= nonce) {
      low = high - step + 1n;
      break;
    }
    high -= step;
  }
  while (low < high) {
    const middle = (low + high) / 2n;
    const count = await client.getTransactionCount({ address: from, blockNumber: middle });
    if (count <= nonce) low = middle + 1n;
    else high = middle;
  }
  const block = await client.getBlock({ blockNumber: low, includeTransactions: true });
  return block.transactions.find(
    (sent) => sent.from.toLowerCase() === from.toLowerCase() && sent.nonce === nonce,
  )?.hash;
}

async function untilConfirmed(input: {
  client: PublicClient;
  deployer: Address;
  confirmations: number;
}): Promise<void> {
  const { client, deployer: address, confirmations } = input;
  for (let waited = 0; waited <= PATIENCE_MS; waited += POLL_MS) {
    const deep = (await client.getBlockNumber()) - BigInt(confirmations) + 1n;
    const [confirmed, all] = await Promise.all([
      deep >= 0n ? client.getTransactionCount({ address, blockNumber: deep }) : 0,
      client.getTransactionCount({ address, blockTag: "pending" }),
    ]);
    if (confirmed === all) return;
    if (waited === 0) {
      process.stderr.write(`waiting for ${all - confirmed} earlier transactions of ${address}\n`);
    }
    await delay(POLL_MS);
  }
  throw new BlockcloudError(
    "TRANSACTIONS_PENDING",
    `Earlier transactions of ${address} are not confirmed after ${PATIENCE_MS / 1000} s.`,
    { retryable: true, remedy: "Replace them with a higher fee, and run again." },
  );
}
