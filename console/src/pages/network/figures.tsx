import { useCallback } from "react";
import { useHead, useSources, type Sources } from "../../context.tsx";
import { bloc, count, many } from "../../format.ts";
import { useRead } from "../../useRead.ts";
import { Stat, Stats } from "../../ui/stat.tsx";
import type { NetworkEpochs } from "./epochs.ts";

/** Sums from the chain, which need no index. */
async function readTotals({ client, contracts }: Sources, epoch: number) {
  const { staking, rewardPool, registry, token } = contracts;
  const [[activeStake, activeServices, enrolledStake], services, budget, supply, pool] =
    await Promise.all([
      client.readContract({ ...staking, functionName: "totalsAt", args: [epoch] }),
      client.readContract({ ...registry, functionName: "serviceCount" }),
      client.readContract({ ...rewardPool, functionName: "epochBudget" }),
      client.readContract({ ...token, functionName: "totalSupply" }),
      client.readContract({ ...token, functionName: "balanceOf", args: [rewardPool.address] }),
    ]);
  return { activeStake, activeServices, enrolledStake, services, budget, supply, pool };
}

/** The figures of the network. */
export function Figures({ epochs }: { epochs: NetworkEpochs | undefined }) {
  const sources = useSources();
  const head = useHead();
  const { value } = useRead(
    "totals",
    head.number,
    useCallback(() => readTotals(sources, head.epoch), [sources, head.epoch]),
  );
  const rows = epochs?.rows ?? [];
  const gas = rows.findLast(({ gasPerAudit }) => gasPerAudit !== undefined);
  const paid = rows.reduce((sum, row) => sum + row.auditorsPaid + row.providersPaid, 0n);
  const totals = epochs?.totals;
  return (
    <Stats>
      <Stat name="Active services" note={value && `${count(value.services)} registered`}>
        {value === undefined ? "…" : count(value.activeServices)}
      </Stat>
      <Stat name="Staked by services" unit="BLOC">
        {value === undefined ? "…" : bloc(value.activeStake, 0)}
      </Stat>
      <Stat name="Staked by auditors" unit="BLOC" note={totals && many(totals.auditors, "auditor")}>
        {value === undefined ? "…" : bloc(value.enrolledStake, 0)}
      </Stat>
      <Stat
        name="Paid for audited epochs"
        unit="BLOC"
        note={`the last ${rows.length === 1 ? "epoch" : many(rows.length, "epoch")}${totals === undefined ? "" : `; users have paid ${bloc(totals.redeemed)}`}`}
      >
        {epochs === undefined ? "…" : bloc(paid)}
      </Stat>
      <Stat
        name="Budget of an epoch"
        unit="BLOC"
        note={value && `${bloc(value.pool, 0)} left in the pool`}
      >
        {value === undefined ? "…" : bloc(value.budget)}
      </Stat>
      <Stat
        name="Gas of an audit"
        note={gas && `all audit transactions of epoch ${gas.epoch}, over its votes`}
      >
        {gas?.gasPerAudit === undefined ? "–" : count(gas.gasPerAudit)}
      </Stat>
    </Stats>
  );
}
