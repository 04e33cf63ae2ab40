import { devKey } from "../../../devnet/devnet.ts";
import { keyIndex } from "../../../devnet/stage.ts";
import { sender } from "../../../devnet/cast.ts";
import { settlementAbi } from "../../../src/protocol/abi/settlement.ts";
import { AuditedChain, FIRST } from "../../support/auditedChain.ts";

/** The last epoch of {@link playEpochs} in which all is claimed and settled. */
export const COUNTED = FIRST + 2;

/**
 * A chain on which four epochs were audited. In the first one the auditors disagree, in the second one an auditor does
 * not reveal, and is reported, in the third one nobody votes on service 3, whose verdict is carried.
 */
export async function playEpochs(): Promise<AuditedChain> {
  const chain = await AuditedChain.start({
    services: [4_000, 3_000, 120_000],
    auditors: [10_000, 11_000, 13_000],
  });
  const visitor = sender(chain.stage, devKey(keyIndex.visitor).key);
  const silent = FIRST + 1;
  let epoch = FIRST;
  for (; epoch <= FIRST + 3; epoch++) {
    await chain.enter(epoch);
    for (const auditor of [0, 1, 2]) {
      if (epoch === FIRST || (auditor === 2 && epoch - 1 === silent)) continue;
      await chain.reveal(epoch - 1, auditor);
    }
    const third = epoch === COUNTED ? {} : { 3: 2 as const };
    await chain.commit(epoch, 0, { 1: 3, 2: 2, ...third });
    await chain.commit(epoch, 1, { 1: 2, 2: 0, ...third });
    await chain.commit(epoch, 2, { 1: 3, 2: 2, ...third });
    await claim(epoch - 2);
  }
  await visitor.send({
    ...chain.contracts.proofOfService,
    functionName: "report",
    args: [chain.auditors[2]!.owner, silent],
  });
  await chain.enter(epoch);
  for (const auditor of [0, 1, 2]) await chain.reveal(epoch - 1, auditor);
  await claim(epoch - 2);
  await chain.enter(++epoch);
  for (const number of [1n, 2n, 3n]) {
    const settle = { abi: settlementAbi, functionName: "settle", args: [number, COUNTED] };
    await visitor.send({ address: chain.deployment.contracts.settlement, ...settle });
  }
  return chain;

  async function claim(of: number): Promise<void> {
    if (of < FIRST) return;
    for (const auditor of [0, 1, 2]) {
      if (auditor !== 2 || of !== silent) await chain.claim(of, auditor);
    }
  }
}
