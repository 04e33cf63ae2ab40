import { createConfig } from "ponder";
import { challengeBookAbi } from "@protocol/abi/challengeBook.ts";
import { cashierAbi } from "@protocol/abi/cashier.ts";
import { proofOfServiceAbi } from "@protocol/abi/proofOfService.ts";
import { rewardPoolAbi } from "@protocol/abi/rewardPool.ts";
import { serviceLabelsAbi } from "@protocol/abi/serviceLabels.ts";
import { serviceRegistryAbi } from "@protocol/abi/serviceRegistry.ts";
import { settlementAbi } from "@protocol/abi/settlement.ts";
import { stakingAbi } from "@protocol/abi/staking.ts";
import { databaseUrl, deployment, isEmbedded, setting } from "./src/settings.ts";
import { prepareEmbedded } from "./src/embedded.ts";

const { block, contracts } = deployment;
if (isEmbedded) await prepareEmbedded(setting("BLOCKCLOUD_INDEXER_PGLITE"));
const common = { chain: "blockcloud", startBlock: block } as const;

export default createConfig({
  database: isEmbedded
    ? { kind: "pglite", directory: setting("BLOCKCLOUD_INDEXER_PGLITE") }
    : { kind: "postgres", connectionString: databaseUrl },
  ordering: "multichain",
  chains: {
    blockcloud: {
      // Not the chain's own ID: src/indexer/indexer.ts of the command says why.
      id: Number(setting("BLOCKCLOUD_INDEXER_CHAIN")),
      // Endpoints may hold keys: they come by the environment, never by an argument.
      rpc: setting("BLOCKCLOUD_INDEXER_RPC").split("\n"),
      pollingInterval: Number(process.env.BLOCKCLOUD_INDEXER_POLL_MS ?? "1000"),
    },
  },
  contracts: {
    Registry: { ...common, abi: serviceRegistryAbi, address: contracts.registry },
    Labels: { ...common, abi: serviceLabelsAbi, address: contracts.labels },
    Staking: { ...common, abi: stakingAbi, address: contracts.staking },
    // The gas of an audit is in the receipts.
    ProofOfService: {
      ...common,
      abi: proofOfServiceAbi,
      address: contracts.proofOfService,
      includeTransactionReceipts: true,
    },
    Settlement: { ...common, abi: settlementAbi, address: contracts.settlement },
    RewardPool: { ...common, abi: rewardPoolAbi, address: contracts.rewardPool },
    ChallengeBook: { ...common, abi: challengeBookAbi, address: contracts.challengeBook },
    Cashier: { ...common, abi: cashierAbi, address: contracts.cashier },
  },
});
