import { epochAt, epochStart, RING } from "../../../src/protocol/epoch.ts";
import { BlockcloudError } from "../../../src/protocol/errors.ts";
import { CARRY_EPOCHS } from "../../../src/protocol/pay.ts";
import type { VerifiedDeployment } from "./deployment.ts";
import type { Source } from "./source.ts";

/**
 * Finds where an epoch lies in the chain.
 *
 * @throws BlockcloudError `CHAIN_MISMATCH`, `EPOCH_NOT_FINAL`.
 */
export async function locate(source: Source, deployment: VerifiedDeployment, epoch: number) {
  const chainId = await source.chainId();
  if (chainId !== deployment.chainId) {
    throw new BlockcloudError(
      "CHAIN_MISMATCH",
      `The node serves chain ${chainId}, the deployment is on chain ${deployment.chainId}.`,
      { remedy: "Name an RPC endpoint of the deployment's chain." },
    );
  }
  const newest = await source.newest();
  const current = epochAt(deployment, newest.timestamp);
  if (!Number.isSafeInteger(epoch) || epoch < 1 || epoch + 2 > current) {
    throw new BlockcloudError(
      "EPOCH_NOT_FINAL",
      `Epoch ${epoch} cannot be recounted: the chain is in epoch ${current}.`,
      { remedy: `Choose an epoch from 1 to ${Math.max(1, current - 2)}.` },
    );
  }
  const low = BigInt(deployment.block);
  const starts = new Map<number, Promise<bigint>>();
  const startOf = (each: number): Promise<bigint> => {
    const known =
      starts.get(each) ??
      source
        .firstFrom(epochStart(deployment, each), low, newest.number)
        .then((block) => block ?? newest.number + 1n);
    starts.set(each, known);
    return known;
  };
  return {
    newest,
    blocks: {
      first: await startOf(epoch),
      beforeLast: (await startOf(epoch - 1)) - 1n,
      carried: await startOf(Math.max(0, epoch - CARRY_EPOCHS)),
      /** The blocks of epochs, both included. */
      async rangeOf(from: number, to: number) {
        return { from: await startOf(from), to: (await startOf(to + 1)) - 1n };
      },
      /** The block whose state still has the epoch's entries of the rings. */
      async viewAt(): Promise<bigint> {
        return current < epoch + RING - 1 ? newest.number : (await startOf(epoch + RING - 1)) - 1n;
      },
    },
  };
}
