import { setTimeout as pause } from "node:timers/promises";
import { erc20Abi } from "viem";
import { devKey, startDevnet, type Devnet } from "../../devnet/devnet.ts";
import { createChainClient, type ChainClient } from "../../src/chain/client.ts";
import { TransactionSender } from "../../src/chain/transactions/sender.ts";
import { silentLogger } from "../../src/node/logger.ts";
import { cashierAbi } from "../../src/protocol/abi/cashier.ts";
import { quantiles, rounded, type Quantiles } from "../quantiles.ts";
import { inFolder, startIndex, within, type MeasuredIndex, type Say } from "./indexing.ts";

const SAMPLE_MS = 100;

export interface HeadLag {
  samples: number;
  /** Blocks behind the chain's head, over all samples. */
  blocks: Quantiles;
  /** Deposits that were indexed meanwhile, one a block. */
  deposits: number;
}

/** Seconds for the start and for the samples, after which the measurement fails. */
const LIMIT = { start: 90, samples: 180 };

/** How far an index is behind the embedded chain, which makes a block a second, while each block has events. */
export function measureHeadLag(samples: number, say: Say): Promise<HeadLag> {
  return inFolder(async (folder) => {
    const devnet = await startDevnet(folder);
    try {
      const { deployment, rpcUrl } = devnet;
      const index = await startIndex(folder, deployment, rpcUrl, say);
      try {
        await within(LIMIT.start, "the start of the index", index.live);
        const client = createChainClient([rpcUrl], deployment.chainId);
        const head = () => client.getBlockNumber().then(Number);
        // It says that it follows the head when it begins to read the newest blocks, which are not final.
        const first = await head();
        await within(LIMIT.start, "the newest blocks", reached(index, first));
        say(`  the index is at the head, block ${first}; ${samples} samples`);
        const measured = sample(samples, { index, devnet, client });
        return await within(LIMIT.samples, `taking ${samples} samples`, measured);
      } finally {
        await index.stop();
      }
    } finally {
      await devnet.stop();
    }
  });
}

/** Waits until a block is indexed. */
async function reached({ indexer }: MeasuredIndex, block: number): Promise<void> {
  while (((await indexer.status()).indexed?.block ?? 0) < block) await pause(SAMPLE_MS);
}

async function sample(
  samples: number,
  { index, devnet, client }: { index: MeasuredIndex; devnet: Devnet; client: ChainClient },
): Promise<HeadLag> {
  const paying = new Deposits(devnet, client);
  const lags: number[] = [];
  await paying.run(async () => {
    for (let taken = 0; taken < samples; taken++) {
      await pause(SAMPLE_MS);
      // The head first: a block that comes between the two answers counts as a lag of none.
      const head = Number(await client.getBlockNumber());
      const { indexed } = await index.indexer.status();
      lags.push(Math.max(0, head - (indexed?.block ?? 0)));
    }
  });
  const { p50, p99, max } = quantiles(lags);
  return {
    samples,
    deposits: paying.count,
    blocks: { p50: rounded(p50), p99: rounded(p99), max: rounded(max) },
  };
}

/** Deposits of one payer, one after the other. */
class Deposits {
  count = 0;
  readonly #sender: TransactionSender;
  readonly #contracts: Devnet["deployment"]["contracts"];

  constructor({ rpcUrl, deployment }: Devnet, client: ChainClient) {
    const { chainId, contracts } = deployment;
    const { key } = devKey(0);
    const dependencies = { client, log: silentLogger };
    this.#sender = new TransactionSender({ rpcUrls: [rpcUrl], chainId, key }, dependencies);
    this.#contracts = contracts;
  }

  /** Pays until something else is done; fails if a payment does. */
  async run(until: () => Promise<void>): Promise<void> {
    const { cashier, token } = this.#contracts;
    const args = [cashier, 10n ** 24n];
    await this.#sender.send({ address: token, abi: erc20Abi, functionName: "approve", args });
    let isDone = false;
    const paying = async () => {
      const call = { address: cashier, abi: cashierAbi, functionName: "deposit", args: [1n] };
      for (; !isDone; this.count++) await this.#sender.send(call);
    };
    const other = async () => {
      await until().finally(() => (isDone = true));
    };
    await Promise.all([paying(), other()]);
  }
}
