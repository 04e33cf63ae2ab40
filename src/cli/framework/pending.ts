import type { Address } from "viem";
import type { ChainClient } from "../../chain/client.ts";
import type { Waiting } from "./wait.ts";

/** Maximum wait for transactions of an earlier run, milliseconds. */
const PATIENCE_MS = 60_000;
const POLL_MS = 1_000;

/**
 * Waits until pending transactions of the account are in a block. An earlier run may have been killed after it
 * had sent them, and their effects decide the remaining steps. After the maximum wait, the next transaction
 * replaces one that is still pending.
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
    progress.update(`waiting for ${sent - mined} pending transactions of ${account}`);
    await timers.sleep(POLL_MS, signal);
  }
  progress.clear();
}
