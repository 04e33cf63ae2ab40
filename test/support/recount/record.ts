import {
  getAddress,
  isAddressEqual,
  type Account,
  type Address,
  type Chain,
  type Hex,
  type PublicClient,
  type Transport,
} from "viem";

/** Any client that reads. */
export type Reader = PublicClient<Transport, Chain | undefined, Account | undefined>;

/** The contracts of a deployment that hold BLOC or decide who is paid. */
export interface Contracts {
  token: Address;
  rewardPool: Address;
  registry: Address;
  staking: Address;
  proofOfService: Address;
  settlement: Address;
  challengeBook: Address;
  labels: Address;
  cashier: Address;
}

export interface RawLog {
  address: Address;
  topics: [] | [Hex, ...Hex[]];
  data: Hex;
}

export interface RawTransaction {
  hash: Hex;
  from: Address;
  to: Address | null;
  input: Hex;
  succeeded: boolean;
  created: Address | null;
  logs: readonly RawLog[];
}

export interface RawBlock {
  number: bigint;
  hash: Hex;
  parentHash: Hex;
  timestamp: number;
  prevrandao: bigint;
  transactions: readonly RawTransaction[];
}

/** A stretch of a chain as its node tells it: nothing in it is interpreted. */
export interface ChainRecord {
  chainId: number;
  contracts: Contracts;
  blocks: readonly RawBlock[];
}

/** Blocks that are asked for at the same time. */
const SLICE = 32n;

/**
 * Reads the blocks from the one that deployed the token up to `head`, with transactions, receipts and logs.
 * The node must know the state of old blocks.
 */
export async function readRecord(
  client: Reader,
  contracts: Contracts,
  head: bigint,
): Promise<ChainRecord> {
  const blocks: RawBlock[] = [];
  for (let next = await deployedIn(client, contracts.token, head); next <= head; next += SLICE) {
    const count = Number(head - next + 1n < SLICE ? head - next + 1n : SLICE);
    const numbers = Array.from({ length: count }, (_, index) => next + BigInt(index));
    blocks.push(...(await Promise.all(numbers.map((number) => readBlock(client, number)))));
  }
  for (const [index, each] of blocks.entries()) {
    if (index > 0 && each.parentHash !== blocks[index - 1]!.hash) {
      throw new Error(`block ${each.number} was reorganised while it was read`);
    }
  }
  return { chainId: await client.getChainId(), contracts: checksummed(contracts), blocks };
}

/** The block from which on there is code at an address. */
async function deployedIn(client: Reader, address: Address, head: bigint): Promise<bigint> {
  let [before, from] = [-1n, head];
  while (from - before > 1n) {
    const blockNumber = (from + before) / 2n;
    const code = await client.getCode({ address, blockNumber });
    if (code === undefined) before = blockNumber;
    else from = blockNumber;
  }
  return from;
}

async function readBlock(client: Reader, blockNumber: bigint): Promise<RawBlock> {
  const block = await client.getBlock({ blockNumber, includeTransactions: true });
  return {
    number: blockNumber,
    hash: block.hash,
    parentHash: block.parentHash,
    timestamp: Number(block.timestamp),
    // After the merge this field of the header holds prevrandao.
    prevrandao: BigInt(block.mixHash),
    transactions: await Promise.all(
      block.transactions.map(async ({ hash, from, to, input }) => {
        const receipt = await client.getTransactionReceipt({ hash });
        return {
          hash,
          from: getAddress(from),
          to: to === null ? null : getAddress(to),
          input,
          succeeded: receipt.status === "success",
          created: receipt.contractAddress ? getAddress(receipt.contractAddress) : null,
          logs: receipt.logs.map((log) => ({
            address: getAddress(log.address),
            topics: log.topics,
            data: log.data,
          })),
        };
      }),
    ),
  };
}

function checksummed(contracts: Contracts): Contracts {
  const { token, rewardPool, registry, staking } = contracts;
  const { proofOfService, settlement, challengeBook, labels, cashier } = contracts;
  return {
    token: getAddress(token),
    rewardPool: getAddress(rewardPool),
    registry: getAddress(registry),
    staking: getAddress(staking),
    proofOfService: getAddress(proofOfService),
    settlement: getAddress(settlement),
    challengeBook: getAddress(challengeBook),
    labels: getAddress(labels),
    cashier: getAddress(cashier),
  };
}

/** The name of a contract of the deployment. */
export function nameOf(contracts: Contracts, address: Address): keyof Contracts | undefined {
  return (Object.keys(contracts) as (keyof Contracts)[]).find((name) =>
    isAddressEqual(contracts[name], address),
  );
}
