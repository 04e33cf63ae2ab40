import type { Address } from "viem";
import type { ChainClient } from "../../chain/client.ts";
import type { Waiting } from "./wait.ts";

/** How long transactions of an earlier run are waited for, milliseconds. */
const PATIENCE_MS = 60_000;
const POLL_MS = 1_000;

/**
 * Waits until transactions that the account has under way are in a block: an earlier run may have been
 * killed after it had sent them, and what they do decides what is left to do. One that stays under way
 * is not waited for longer: whatever is sent next takes its place.
 */
export async function untilNonePending(
  account: Address,
  waiting: Omit<Waiting, "client"> & { client: Pick<ChainClient, "getTransactionCount"> },
): Promise<void> {
  const { client, timers, progress, signal } = waiting;
  const until = timers.monotonic() + PATIENCE_MS;
  while (timers.monotonic() < until) {
    const [mined, sent] = await Promise.all([
      client.getTransactionCount({ address: account, blockTag: "latest" }),
      client.getTransactionCount({ address: account, blockTag: "pending" }),
    ]);
    if (sent <= mined) break;
    progress.update(`waiting for ${sent - mined} transactions of ${account} that are under way`);
    await timers.sleep(POLL_MS, signal);
  }
  progress.clear();
}
