import { encodeEventTopics, formatLog, pad, parseEventLogs, type Address, type Hex } from "viem";
import { proofOfServiceAbi } from "../../protocol/abi/proofOfService.ts";
import { epochStart } from "../../protocol/epoch.ts";
import type { ChainClient } from "../client.ts";
import type { Deployment } from "../deployment.ts";
import { readRanges, type BlockRange } from "../logs.ts";
import { simulate } from "../transactions/simulate.ts";
import { blockAt } from "../blocks.ts";
import { contractsOf, numbers, readEach, type Moment } from "./contracts.ts";

/** Epochs in which a round that was not revealed can be reported (`AuditRounds.REPORT_EPOCHS`). */
const REPORT_EPOCHS = 8;

/** The outcome of an auditor's round. */
export interface AuditorRound {
  epoch: number;
  /** Whether the auditor counted in the epoch. */
  counted: boolean;
  committed: boolean;
  reported: boolean;
  /** Numbers of revealed and of claimed chunks. */
  revealed: number;
  claimed: number;
  votes: number;
  paidVotes: number;
  /** Claimed, BLOC in wei. */
  reward: bigint;
  /** The slash of a report, BLOC in wei; 0 if the round cannot be reported. */
  risk: bigint;
}

/** An auditor's rounds of an epoch range, and the transactions behind them. */
export interface AuditorHistory {
  rounds: readonly AuditorRound[];
  /** Paid out to the owner during these epochs, BLOC in wei. */
  collected: bigint;
  /** Transactions with an event of this auditor, with their blocks. */
  transactions: ReadonlyMap<Hex, bigint>;
  /** The blocks of these epochs. */
  blocks: BlockRange;
}

const names = ["Committed", "Revealed", "Claimed", "Collected", "Reported"] as const;
const topics = names.map(
  (eventName) => encodeEventTopics({ abi: proofOfServiceAbi, eventName })[0],
);

/**
 * The newest rounds of an auditor, oldest first, the current epoch's included.
 *
 * @param input.last Number of epochs.
 */
export async function readAuditorHistory(
  client: ChainClient,
  deployment: Deployment,
  input: { auditor: Address; moment: Moment; last: number },
): Promise<AuditorHistory> {
  const { auditor, moment } = input;
  const first = Math.max(1, moment.epoch - input.last + 1);
  const rounds = await readEach(numbers(first, moment.epoch), (epoch) =>
    readRound(client, deployment, { auditor, epoch, moment }),
  );
  const byEpoch = new Map(rounds.map((round) => [round.epoch, round]));
  const from = await blockAt(client, epochStart(deployment, first), {
    from: BigInt(deployment.block),
    to: moment.number,
  });
  const blocks = { from, to: moment.number };
  const transactions = new Map<Hex, bigint>();
  let collected = 0n;
  const read = (piece: BlockRange) => readEvents(client, deployment, auditor, piece);
  for await (const { value } of readRanges(blocks, read)) {
    for (const event of value) {
      transactions.set(event.transactionHash, event.blockNumber);
      if (event.eventName === "Collected") collected += event.args.amount;
      if (!("epoch" in event.args)) continue;
      const round = byEpoch.get(event.args.epoch);
      if (round === undefined) continue;
      if (event.eventName === "Reported") round.reported = true;
      if (event.eventName === "Revealed") round.votes += Number(event.args.votes);
      if (event.eventName === "Claimed") {
        round.paidVotes += Number(event.args.paidVotes);
        round.reward += event.args.reward;
      }
    }
  }
  return { rounds, collected, transactions, blocks };
}

async function readEvents(
  client: ChainClient,
  deployment: Deployment,
  auditor: Address,
  { from, to }: BlockRange,
) {
  const { proofOfService } = contractsOf(deployment);
  // One request for all of these events, because each has the auditor as its first indexed value.
  const logs = await client.request({
    method: "eth_getLogs",
    params: [
      {
        address: proofOfService.address,
        topics: [topics, pad(auditor)],
        fromBlock: `0x${from.toString(16)}`,
        toBlock: `0x${to.toString(16)}`,
      },
    ],
  });
  return parseEventLogs({
    abi: proofOfServiceAbi,
    eventName: [...names],
    logs: logs.map((log) => formatLog(log)),
  }).flatMap((event) => {
    const { transactionHash, blockNumber } = event;
    // Logs of the pending block have no block number and hash.
    if (transactionHash === null || blockNumber === null) return [];
    return [{ ...event, transactionHash, blockNumber }];
  });
}

async function readRound(
  client: ChainClient,
  deployment: Deployment,
  input: { auditor: Address; epoch: number; moment: Moment },
): Promise<AuditorRound> {
  const { auditor, epoch, moment } = input;
  const { staking, proofOfService } = contractsOf(deployment);
  const args = [auditor, epoch] as const;
  const [stake, [committed, revealed, claimed]] = await Promise.all([
    client.readContract({ ...staking, functionName: "auditorStakeAt", args }),
    client.readContract({ ...proofOfService, functionName: "roundOf", args }),
  ]);
  const age = moment.epoch - epoch;
  const isReportable = committed && age >= 2 && age <= REPORT_EPOCHS;
  return {
    epoch,
    counted: stake > 0n,
    committed,
    reported: false,
    revealed,
    claimed: claimed.toString(2).replaceAll("0", "").length,
    votes: 0,
    paidVotes: 0,
    reward: 0n,
    risk: isReportable ? await reportCost(client, deployment, auditor, epoch) : 0n,
  };
}

/** The slash of a report, by a simulated call; a revert means that the round cannot be reported. */
async function reportCost(
  client: ChainClient,
  deployment: Deployment,
  auditor: Address,
  epoch: number,
): Promise<bigint> {
  const { proofOfService } = contractsOf(deployment);
  // The sender is the auditor: the slash does not depend on it, and it can hold BLOC.
  const args = [auditor, epoch] as const;
  const call = { ...proofOfService, functionName: "report", args, account: auditor } as const;
  const simulated = await simulate(() => client.simulateContract(call));
  return simulated?.result ?? 0n;
}
