/** What a network is deployed with beside the parameters of its contracts. */
export interface NetworkFacts {
  /** Refuses an endpoint of another chain; undefined for a chain of one's own. */
  chainId: number | undefined;
  /** Blocks on top of a transaction before the deployment goes on. */
  deployConfirmations: number;
  /** Blocks after an epoch's first before workers trust its seed. */
  confirmations: number;
  /** Whose `prevrandao` the seeds come from, in words for whoever deploys. */
  randomness: string;
}

/** The networks that `npm run deploy` knows; `hardhat.config.ts` says how to reach them. */
export const networks: Readonly<Record<string, NetworkFacts>> = {
  devnet: {
    chainId: undefined,
    deployConfirmations: 1,
    confirmations: 1,
    randomness: "whoever runs the chain sets prevrandao",
  },
  sepolia: {
    chainId: 11_155_111,
    deployConfirmations: 2,
    confirmations: 2,
    randomness:
      "prevrandao is the beacon chain's RANDAO; the proposer of an epoch's first block can give that " +
      "block up for one more draw, and Sepolia's proposers are a permissioned set",
  },
  "base-sepolia": {
    chainId: 84_532,
    deployConfirmations: 2,
    confirmations: 2,
    randomness:
      "prevrandao is that of the L1 block which Base's only sequencer takes as a block's origin; the " +
      "sequencer picks the origin within its drift limits and orders the block, so one trusts it",
  },
};
