import type { Address } from "viem";
import { HORIZON } from "../../../../src/protocol/epoch.ts";
import { BlockcloudError } from "../../../../src/protocol/errors.ts";
import { contractsOf } from "../../chain/contracts.ts";
import type { Act, ActContext } from "../act.ts";
import { bloc, blocOf, serviceOf } from "../values.ts";
import { amount, service } from "./fields.ts";

/** A stake as it counts two epochs from now, and the least that counts. */
interface Stake {
  name: string;
  stake: bigint;
  minimum: bigint;
}

async function serviceStake({ client, deployment }: ActContext, number: bigint): Promise<Stake> {
  const { registry, staking } = contractsOf(deployment);
  const epoch = await client.readContract({ ...registry, functionName: "currentEpoch" });
  const [classId, [stake]] = await Promise.all([
    client.readContract({ ...registry, functionName: "classOf", args: [number] }),
    client.readContract({
      ...staking,
      functionName: "serviceStakeAt",
      args: [number, epoch + HORIZON],
    }),
  ]);
  const kind = await client.readContract({ ...registry, functionName: "classAt", args: [classId] });
  return { name: `service ${number}`, stake, minimum: kind.minimumStake };
}

async function auditorStake({ client, deployment, account }: ActContext): Promise<Stake> {
  const { staking } = contractsOf(deployment);
  const [[stake], minimum] = await Promise.all([
    client.readContract({ ...staking, functionName: "auditorStake", args: [account] }),
    client.readContract({ ...staking, functionName: "minimumAuditorStake" }),
  ]);
  return { name: `auditor ${account}`, stake, minimum };
}

function after({ minimum }: Stake, left: bigint): string {
  const short = left < minimum ? `, below the minimum of ${bloc(minimum)}: it does not count` : "";
  return `${bloc(left)} at stake two epochs from now${short}`;
}

const add = (id: string, of: "service" | "auditor"): Act => ({
  id,
  group: "Stake",
  title: of === "service" ? "Stake for a service" : "Stake as an auditor",
  about:
    of === "service"
      ? "Adds to the stake of a service. Counts two epochs later."
      : "Adds to this account's stake as an auditor. Enrolment is a matter of the auditor's machine.",
  fields: of === "service" ? [service, amount] : [amount],
  async plan(values, context) {
    const number = of === "service" ? serviceOf(values) : 0n;
    const wei = blocOf(values, "amount");
    const stake =
      of === "service" ? await serviceStake(context, number) : await auditorStake(context);
    return {
      title: `stake ${bloc(wei)} for ${stake.name}`,
      call: {
        contract: "staking",
        ...(of === "service"
          ? { functionName: "stakeService", args: [number, wei] }
          : { functionName: "stakeAuditor", args: [wei] }),
      },
      takes: wei,
      moves: { staked: wei },
      outcome: [after(stake, stake.stake + wei)],
    };
  },
});

const remove = (id: string, of: "service" | "auditor"): Act => ({
  id,
  group: "Stake",
  title: of === "service" ? "Unstake from a service" : "Unstake as an auditor",
  about: "The amount unbonds; it can still be slashed until it is withdrawn.",
  fields: of === "service" ? [service, amount] : [amount],
  async plan(values, context) {
    const number = of === "service" ? serviceOf(values) : 0n;
    const wei = blocOf(values, "amount");
    const stake =
      of === "service" ? await serviceStake(context, number) : await auditorStake(context);
    const { staking } = contractsOf(context.deployment);
    const seconds = await context.client.readContract({
      ...staking,
      functionName: "unbondingSeconds",
    });
    // With too large an amount, the contract's own error says so.
    const left = stake.stake > wei ? stake.stake - wei : 0n;
    return {
      title: `unstake ${bloc(wei)} from ${stake.name}`,
      call: {
        contract: "staking",
        ...(of === "service"
          ? { functionName: "unstakeService", args: [number, wei] }
          : { functionName: "unstakeAuditor", args: [wei] }),
      },
      moves: { unbonding: wei },
      outcome: [after(stake, left), `${bloc(wei)} can be withdrawn in ${seconds} s`],
    };
  },
});

/** What has unbonded, or when the next part will have. */
async function matured(
  { client }: ActContext,
  name: string,
  entries: readonly { amount: bigint; releaseAt: bigint }[],
): Promise<bigint> {
  const { timestamp } = await client.getBlock();
  const ready = entries.filter(({ releaseAt }) => releaseAt <= timestamp);
  if (ready.length > 0) return ready.reduce((sum, entry) => sum + entry.amount, 0n);
  const [next] = entries;
  throw new BlockcloudError("NOTHING_MATURED", `${name} has nothing to withdraw yet.`, {
    remedy:
      next === undefined
        ? "No stake is unbonding: unstake first."
        : `${bloc(next.amount)} can be withdrawn in ${next.releaseAt - timestamp} s.`,
  });
}

const withdrawn = (account: Address, wei: bigint) => ({
  moves: { received: wei },
  outcome: [`${account} receives ${bloc(wei)}`],
});

const withdrawService: Act = {
  id: "withdraw-service-stake",
  group: "Stake",
  title: "Withdraw the stake of a service",
  about: "Pays out what has unbonded to this account.",
  fields: [service],
  async plan(values, context) {
    const { client, deployment, account } = context;
    const number = serviceOf(values);
    const { staking } = contractsOf(deployment);
    const args = [number, account] as const;
    const entries = await client.readContract({
      ...staking,
      functionName: "serviceUnbonding",
      args,
    });
    const wei = await matured(context, `Service ${number}`, entries);
    return {
      title: `withdraw the stake of service ${number}`,
      call: { contract: "staking", functionName: "withdrawService", args },
      ...withdrawn(account, wei),
    };
  },
};

const withdrawAuditor: Act = {
  id: "withdraw-auditor-stake",
  group: "Stake",
  title: "Withdraw the stake of an auditor",
  about: "Pays out what has unbonded to this account.",
  fields: [],
  async plan(_, context) {
    const { client, deployment, account } = context;
    const { staking } = contractsOf(deployment);
    const args = [account] as const;
    const entries = await client.readContract({
      ...staking,
      functionName: "auditorUnbonding",
      args,
    });
    const wei = await matured(context, `Auditor ${account}`, entries);
    return {
      title: "withdraw the stake of this auditor",
      call: { contract: "staking", functionName: "withdrawAuditor", args },
      ...withdrawn(account, wei),
    };
  },
};

export const stakeActs: readonly Act[] = [
  add("stake", "service"),
  remove("unstake", "service"),
  withdrawService,
  add("stake-auditor", "auditor"),
  remove("unstake-auditor", "auditor"),
  withdrawAuditor,
];
