import type { Address, Hex } from "viem";
import type { BenchChain, Mined } from "../chain.ts";

/** The combined effect of transactions on storage. */
export interface StorageWritten {
  transactions: number;
  /** Slots whose value changed in at least one transaction. */
  slots: number;
  /** Slots that changed from zero to another value. */
  grown: number;
  /** Slots that changed to zero. */
  cleared: number;
}

/** Compares storage before the first transaction with that after the last. */
export async function storageWritten(
  chain: BenchChain,
  transactions: readonly Mined[],
): Promise<StorageWritten> {
  const slots = new Map<string, { before: Hex; after: Hex }>();
  for (const { hash } of transactions) {
    const { pre, post } = await chain.storageDiff(hash);
    for (const address of new Set([...Object.keys(pre), ...Object.keys(post)]) as Set<Address>) {
      const before = pre[address]?.storage ?? {};
      const after = post[address]?.storage ?? {};
      for (const slot of new Set([...Object.keys(before), ...Object.keys(after)]) as Set<Hex>) {
        const key = `${address} ${slot}`;
        slots.set(key, {
          before: slots.get(key)?.before ?? before[slot] ?? "0x0",
          after: after[slot] ?? "0x0",
        });
      }
    }
  }
  const isZero = (value: Hex) => BigInt(value) === 0n;
  const all = [...slots.values()];
  return {
    transactions: transactions.length,
    slots: all.length,
    grown: all.filter(({ before, after }) => isZero(before) && !isZero(after)).length,
    cleared: all.filter(({ before, after }) => !isZero(before) && isZero(after)).length,
  };
}
