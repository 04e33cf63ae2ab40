/** Settings of a network beside the parameters of its contracts. */
export interface NetworkFacts {
  /** The expected chain ID; undefined for a private chain. */
  chainId: number | undefined;
  /** Blocks above a transaction before the deployment continues. */
  deployConfirmations: number;
  /** Blocks above an epoch's first block before workers trust its seed. */
  confirmations: number;
  /** The origin of `prevrandao`, as a text for the deployer. */
  randomness: string;
}

/** The networks of `npm run deploy`; `hardhat.config.ts` has their endpoints. */
export const networks: Readonly<Record<string, NetworkFacts>> = {
  devnet: {
    chainId: undefined,
    deployConfirmations: 1,
    confirmations: 1,
    randomness: "the operator of the chain sets prevrandao",
  },
  sepolia: {
    chainId: 11_155_111,
    deployConfirmations: 2,
    confirmations: 2,
    randomness:
      "prevrandao is the beacon chain's RANDAO; the proposer of an epoch's first block can withhold that " +
      "block for a second draw, and Sepolia's proposers are a permissioned set",
  },
  "base-sepolia": {
    chainId: 84_532,
    deployConfirmations: 2,
    confirmations: 2,
    randomness:
      "prevrandao is that of a block's L1 origin, which Base's only sequencer chooses within its drift " +
      "limits, so the network trusts the sequencer",
  },
};
