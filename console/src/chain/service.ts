import type { Address, Hex } from "viem";
import { HORIZON } from "@protocol/epoch.ts";
import { rootServiceId } from "@protocol/serviceId.ts";
import { serviceStatus, type ServiceStatus } from "@protocol/serviceStatus.ts";
import type { Sources } from "../context.tsx";
import { PageError } from "../failure.ts";
import type { ServiceClass } from "../model.ts";
import type { Head } from "./head.ts";
import { readerOf } from "./reader.ts";

const ZERO = 0n;

/** A value of this epoch, and of the first epoch for which changes of now count. */
export interface NowAndNext<T> {
  now: T;
  next: T;
}

/** The chain's data of a service. Amounts are BLOC in wei; texts are strangers'. */
export interface ServiceDetail {
  number: bigint;
  id: Hex;
  owner: Address;
  payout: Address;
  label: string | undefined;
  metadata: string;
  kind: ServiceClass;
  status: NowAndNext<ServiceStatus>;
  /** The zero address while the service is keyless. */
  key: NowAndNext<Address>;
  stake: NowAndNext<bigint>;
  staker: Address;
  unbonding: readonly { amount: bigint; releaseAt: number }[];
  firstEpoch: number;
  settledThrough: number;
  slot: number;
  /** Redeemed of what users signed, so far, and of that not collected yet: what can be collected, and the fee. */
  redeemed: bigint;
  collectable: bigint;
  fee: bigint;
  challenge:
    { id: bigint; challenger: Address; openedIn: number; deadline: number | undefined } | undefined;
  /** No challenge can be opened before, Unix seconds; 0 for none. */
  quietUntil: number;
}

/**
 * Reads a service.
 *
 * @throws PageError `SERVICE_UNKNOWN`.
 */
export async function readService(
  sources: Sources,
  head: Head,
  number: bigint,
): Promise<ServiceDetail> {
  const { client, contracts } = sources;
  const { registry, staking, labels, settlement, challengeBook, cashier } = contracts;
  const args = [number] as const;
  const now = [number, head.epoch] as const;
  const next = [number, head.epoch + HORIZON] as const;
  const id = rootServiceId(number);
  const firstEpoch = await client.readContract({ ...registry, functionName: "firstEpoch", args });
  if (firstEpoch === 0) {
    throw new PageError("SERVICE_UNKNOWN", `There is no service ${number}.`, {
      remedy: "Check the number, and that this console shows the right network.",
    });
  }
  const [owner, payout, label, metadata, classId, staker, settledThrough, slot, open, quietUntil] =
    await Promise.all([
      client.readContract({ ...registry, functionName: "ownerOf", args }),
      client.readContract({ ...registry, functionName: "payoutOf", args }),
      client.readContract({ ...labels, functionName: "labelOf", args }),
      client.readContract({ ...registry, functionName: "metadataOf", args }),
      client.readContract({ ...registry, functionName: "classOf", args }),
      client.readContract({ ...staking, functionName: "stakerOf", args }),
      client.readContract({ ...settlement, functionName: "settledThrough", args }),
      client.readContract({ ...registry, functionName: "slotOf", args }),
      client.readContract({ ...challengeBook, functionName: "openChallenge", args }),
      client.readContract({ ...challengeBook, functionName: "quietUntil", args }),
    ]);
  const [
    statusNow,
    statusNext,
    keyNow,
    keyNext,
    [stakeNow],
    [stakeNext],
    unbonding,
    earned,
    collected,
    collectable,
  ] = await Promise.all([
    client.readContract({ ...registry, functionName: "statusAt", args: now }),
    client.readContract({ ...registry, functionName: "statusAt", args: next }),
    client.readContract({ ...registry, functionName: "keyAt", args: now }),
    client.readContract({ ...registry, functionName: "keyAt", args: next }),
    client.readContract({ ...staking, functionName: "serviceStakeAt", args: now }),
    client.readContract({ ...staking, functionName: "serviceStakeAt", args: next }),
    client.readContract({ ...staking, functionName: "serviceUnbonding", args: [number, staker] }),
    client.readContract({ ...cashier, functionName: "earnedOf", args: [id] }),
    client.readContract({ ...cashier, functionName: "collectedOf", args: [id] }),
    client.readContract({ ...cashier, functionName: "collectableOf", args: [id] }),
  ]);
  return {
    number,
    id,
    owner,
    payout,
    label: label === "" ? undefined : label,
    metadata,
    kind: await readerOf(sources).classAt(classId),
    status: {
      now: serviceStatus(statusNow),
      next: serviceStatus(statusNext),
    },
    key: { now: keyNow, next: keyNext },
    stake: { now: stakeNow, next: stakeNext },
    staker,
    unbonding: unbonding.map(({ amount, releaseAt }) => ({ amount, releaseAt: Number(releaseAt) })),
    firstEpoch,
    settledThrough,
    slot,
    redeemed: earned + collected,
    collectable: collectable[0],
    fee: collectable[1],
    challenge: open === ZERO ? undefined : await readChallenge(sources, open),
    quietUntil: Number(quietUntil),
  };
}

async function readChallenge({ client, contracts }: Sources, id: bigint) {
  const { challengeBook } = contracts;
  const args = [id] as const;
  const [{ challenger, openedIn }, [nonce, deadline]] = await Promise.all([
    client.readContract({ ...challengeBook, functionName: "challengeOf", args }),
    client.readContract({ ...challengeBook, functionName: "questionOf", args }),
  ]);
  return {
    id,
    challenger,
    openedIn,
    deadline: BigInt(nonce) === ZERO ? undefined : Number(deadline),
  };
}
