import { setTimeout as pause } from "node:timers/promises";
import { erc20Abi } from "viem";
import { startDevnet, devKey } from "../../devnet/devnet.ts";
import { createChainClient } from "../../src/chain/client.ts";
import { TransactionSender } from "../../src/chain/transactions/sender.ts";
import { silentLogger } from "../../src/node/logger.ts";
import { cashierAbi } from "../../src/protocol/abi/cashier.ts";
import { quantiles, rounded, type Quantiles } from "../quantiles.ts";
import { inFolder, startIndex } from "./indexing.ts";

const SAMPLE_MS = 100;

export interface HeadLag {
  samples: number;
  /** Blocks behind the chain's head, over all samples. */
  blocks: Quantiles;
  /** Deposits that were indexed meanwhile, one a block. */
  deposits: number;
}

/** How far an index is behind the embedded chain, which makes a block a second, while each block has events. */
export function measureHeadLag(samples: number): Promise<HeadLag> {
  return inFolder(async (folder) => {
    const devnet = await startDevnet(folder);
    try {
      const { deployment, rpcUrl } = devnet;
      const client = createChainClient([rpcUrl], deployment.chainId);
      const { key } = devKey(0);
      const sender = new TransactionSender(
        { rpcUrls: [rpcUrl], chainId: deployment.chainId, key },
        { client, log: silentLogger },
      );
      const { cashier, token } = deployment.contracts;
      await sender.send({
        address: token,
        abi: erc20Abi,
        functionName: "approve",
        args: [cashier, 10n ** 24n],
      });
      const index = await startIndex(folder, deployment, rpcUrl);
      try {
        await index.live;
        const done = new AbortController();
        let deposits = 0;
        const paying = (async () => {
          const call = { address: cashier, abi: cashierAbi, functionName: "deposit", args: [1n] };
          for (; !done.signal.aborted; deposits++) await sender.send(call);
        })();
        const lags: number[] = [];
        for (let sample = 0; sample < samples; sample++) {
          await pause(SAMPLE_MS);
          // The head first: a block that comes between the two answers counts as a lag of none.
          const head = Number(await client.getBlockNumber());
          const { indexed } = await index.indexer.status();
          lags.push(Math.max(0, head - (indexed?.block ?? 0)));
        }
        done.abort();
        await paying;
        const { p50, p99, max } = quantiles(lags);
        return {
          samples,
          deposits,
          blocks: { p50: rounded(p50), p99: rounded(p99), max: rounded(max) },
        };
      } finally {
        await index.stop();
      }
    } finally {
      await devnet.stop();
    }
  });
}
