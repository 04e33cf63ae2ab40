import { parseEventLogs, type Abi, type Address, type Hex } from "viem";
import type { ChainClient } from "../../../src/chain/client.ts";
import type { Deployment } from "../../../src/chain/deployment.ts";
import { abis } from "../recount/calls.ts";

/** What a naive reader of the chain expects of the tables: sums over all logs, and the contracts' views. */
export interface Expected {
  services: Record<string, Record<string, unknown>>;
  auditors: Record<string, Record<string, unknown>>;
  epochs: Record<string, Record<string, unknown>>;
  rounds: Record<string, Record<string, unknown>>;
  accounts: Record<string, Record<string, unknown>>;
  network: Record<string, unknown>;
}

interface Event {
  contract: string;
  name: string;
  args: Record<string, unknown>;
  transactionHash: Hex;
  blockNumber: bigint;
}

const GRADES = ["failed", "poor", "good", "excellent"] as const;
const AUDITS = new Set(["Ticked", "Committed", "Revealed", "Claimed", "Collected"]);

/** Reads all logs of the contracts at once, and adds up. */
export async function recountIndex(client: ChainClient, deployment: Deployment): Promise<Expected> {
  const events = await eventsOf(client, deployment);
  const sum = (
    contract: string,
    name: string,
    field: string,
    where: (args: Record<string, unknown>) => boolean = () => true,
  ) =>
    events
      .filter((each) => each.contract === contract && each.name === name && where(each.args))
      .reduce((total, { args }) => total + BigInt(args[field] as bigint | number), 0n);
  const count = (
    contract: string,
    name: string,
    where: (args: Record<string, unknown>) => boolean = () => true,
  ) => events.filter((e) => e.contract === contract && e.name === name && where(e.args)).length;
  const distinct = (contract: string, name: string, field: string) => [
    ...new Set(
      events
        .filter((each) => each.contract === contract && each.name === name)
        .map(({ args }) => String(args[field])),
    ),
  ];
  const view = <T>(contract: keyof typeof abis, functionName: string, args: readonly unknown[]) => {
    const abi: Abi = abis[contract];
    const address = deployment.contracts[contract];
    return client.readContract({ address, abi, functionName, args }) as Promise<T>;
  };

  const services: Expected["services"] = {};
  for (const number of distinct("registry", "ServiceRegistered", "number")) {
    const isIt = (args: Record<string, unknown>) => String(args.number) === number;
    const ofId = (args: Record<string, unknown>) =>
      BigInt(args.service as Hex) >> 192n === BigInt(number);
    const [stake] = await view<[bigint]>("staking", "serviceStakeAt", [
      BigInt(number),
      2 ** 32 - 1,
    ]);
    services[number] = {
      owner: (await view<Address>("registry", "ownerOf", [BigInt(number)])).toLowerCase(),
      stake: stake.toString(),
      rewards: sum("settlement", "Settled", "reward", isIt).toString(),
      redeemed: sum("cashier", "Redeemed", "amount", ofId).toString(),
      collected: (
        sum("cashier", "Collected", "paid", ofId) + sum("cashier", "Collected", "fee", ofId)
      ).toString(),
      challenges: count("challengeBook", "ChallengeOpened", isIt),
      slashed: sum("staking", "ServiceSlashed", "amount", isIt).toString(),
    };
  }

  const auditors: Expected["auditors"] = {};
  for (const owner of distinct("proofOfService", "TipRegistered", "auditor")) {
    const isIt = (args: Record<string, unknown>) => args.auditor === owner;
    const earned = sum("proofOfService", "Claimed", "reward", isIt);
    const collected = sum("proofOfService", "Collected", "amount", isIt);
    const left = await view<bigint>("proofOfService", "earnedOf", [owner]);
    if (earned - collected !== left) throw new Error("The recount itself is wrong.");
    auditors[owner.toLowerCase()] = {
      stake: (await view<bigint>("staking", "auditorStakeAt", [owner, 2 ** 32 - 1])).toString(),
      earned: earned.toString(),
      collected: collected.toString(),
      committed: count("proofOfService", "Committed", isIt),
      votes: Number(sum("proofOfService", "Revealed", "votes", isIt)),
      paidVotes: Number(sum("proofOfService", "Claimed", "paidVotes", isIt)),
      reported: count("proofOfService", "Reported", isIt),
      slashed: sum("staking", "AuditorSlashed", "amount", isIt).toString(),
    };
  }

  const epochs: Expected["epochs"] = {};
  const rounds: Expected["rounds"] = {};
  for (const epoch of distinct("proofOfService", "Ticked", "epoch")) {
    const isIt = (args: Record<string, unknown>) => String(args.epoch) === epoch;
    const votes = Number(sum("proofOfService", "Revealed", "votes", isIt));
    epochs[epoch] = {
      committed: count("proofOfService", "Committed", isIt),
      votes,
      paidVotes: Number(sum("proofOfService", "Claimed", "paidVotes", isIt)),
      auditorsPaid: sum("proofOfService", "Claimed", "reward", isIt).toString(),
      providersPaid: sum("settlement", "Settled", "reward", isIt).toString(),
      providersBudget: sum("proofOfService", "Ticked", "providersBudget", isIt).toString(),
      auditorsBudget: sum("proofOfService", "Ticked", "auditorsBudget", isIt).toString(),
      unreadVotes: 0,
    };
    // All services of these tests are in one shard, in the order of their numbers.
    const tally = await view<bigint>("proofOfService", "tallyOf", [0n, Number(epoch)]);
    for (const [index, number] of Object.keys(services).entries()) {
      const counts = GRADES.map((_, grade) =>
        Number((tally >> BigInt(index * 16 + grade * 4)) & 15n),
      );
      const settled = events.find(
        (each) => each.name === "Settled" && isIt(each.args) && String(each.args.number) === number,
      );
      if (counts.every((each) => each === 0) && settled === undefined) continue;
      const [grade, quorate] = await view<[number, boolean]>("settlement", "verdictOf", [
        BigInt(number),
        Number(epoch),
      ]);
      rounds[`${number}/${epoch}`] = {
        ...Object.fromEntries(GRADES.map((name, each) => [name, counts[each]])),
        verdict: quorate ? grade : null,
        settledGrade: settled?.args.grade ?? null,
        reward: (settled?.args.reward as bigint | undefined)?.toString() ?? null,
      };
    }
  }

  const accounts: Expected["accounts"] = {};
  for (const payer of distinct("cashier", "Deposited", "payer")) {
    const isIt = (args: Record<string, unknown>) => args.payer === payer;
    const [, reserved, free] = await view<[bigint, bigint, bigint]>("cashier", "accountOf", [
      payer,
    ]);
    accounts[payer.toLowerCase()] = {
      free: free.toString(),
      reserved: reserved.toString(),
      deposited: sum("cashier", "Deposited", "amount", isIt).toString(),
      withdrawn: sum("cashier", "Withdrawn", "amount", isIt).toString(),
      paid: sum("cashier", "Redeemed", "amount", isIt).toString(),
    };
  }

  const network = {
    services: count("registry", "ServiceRegistered"),
    poolPaid: sum("rewardPool", "Paid", "amount").toString(),
    contributed: sum("rewardPool", "Contributed", "amount").toString(),
    redeemed: sum("cashier", "Redeemed", "amount").toString(),
    fees: sum("cashier", "Collected", "fee").toString(),
    feesBurned: sum("cashier", "FeesForwarded", "burned").toString(),
    slashed: (
      sum("staking", "ServiceSlashed", "amount") + sum("staking", "AuditorSlashed", "amount")
    ).toString(),
    auditGas: (await gasOf(client, events)).toString(),
  };
  return { services, auditors, epochs, rounds, accounts, network };
}

async function eventsOf(client: ChainClient, deployment: Deployment): Promise<Event[]> {
  const logs = await client.getLogs({ fromBlock: BigInt(deployment.block), toBlock: "latest" });
  return (Object.keys(abis) as (keyof typeof abis)[]).flatMap((contract) => {
    const address = deployment.contracts[contract].toLowerCase();
    const own = logs.filter((log) => log.address.toLowerCase() === address);
    return parseEventLogs({ abi: abis[contract] as never, logs: own }).map((log) => {
      const { eventName, args, transactionHash, blockNumber } = log as Event & {
        eventName: string;
      };
      return { contract, name: eventName, args, transactionHash, blockNumber };
    });
  });
}

/** Gas of the transactions of the audits, each once. */
async function gasOf(client: ChainClient, events: readonly Event[]): Promise<bigint> {
  const hashes = events
    .filter(({ contract, name }) => contract === "proofOfService" && AUDITS.has(name))
    .map(({ transactionHash }) => transactionHash);
  const receipts = await Promise.all(
    [...new Set(hashes)].map((hash) => client.getTransactionReceipt({ hash })),
  );
  return receipts.reduce((total, { gasUsed }) => total + gasUsed, 0n);
}
