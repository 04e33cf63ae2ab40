import type { Address, Hex } from "viem";
import { HORIZON } from "../../protocol/epoch.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import type { ProbeSpecification } from "../../protocol/probe.ts";
import { parseServiceId, rootServiceId } from "../../protocol/serviceId.ts";
import { serviceStatus, type ServiceStatus } from "../../protocol/serviceStatus.ts";
import { Challenges, type Challenge, type Question } from "../challenges.ts";
import type { ChainClient } from "../client.ts";
import type { Deployment } from "../deployment.ts";
import { Services, type ServiceClass } from "../services.ts";
import { contractsOf, type Moment } from "./contracts.ts";
import { readRecordView, type RecordView } from "./recordView.ts";

/** A value by epoch: the current one, and the one two epochs later. */
export interface NowAndNext<T> {
  now: T;
  next: T;
}

/** Unbonding stake. */
export interface Unbonding {
  /** BLOC in wei. */
  amount: bigint;
  /** Unix seconds. */
  releaseAt: number;
}

/** The chain's data of a service. Amounts are BLOC in wei. */
export interface ServiceView {
  number: bigint;
  id: Hex;
  owner: Address;
  payout: Address;
  label: string | undefined;
  classId: number;
  class: ServiceClass;
  /** URI of the description; undefined for none. */
  metadata: string | undefined;
  status: NowAndNext<ServiceStatus>;
  key: NowAndNext<Address>;
  probe: {
    hash: NowAndNext<Hex>;
    /** The current specification; undefined if it does not parse or was not found. */
    specification: ProbeSpecification | undefined;
    /** Whether the endpoint returned the event with the specification. */
    found: boolean;
    /** Whether it is of a later version than this software knows. */
    isNewer: boolean;
  };
  stake: NowAndNext<bigint>;
  /** The staker; zero for none. */
  staker: Address;
  unbonding: readonly Unbonding[];
  firstEpoch: number;
  /** First epoch since the last reinstatement; 0 for none. */
  reinstatedSince: number;
  settledThrough: number;
  record: RecordView;
  challenge: (Challenge & { question: Question | undefined }) | undefined;
  /** End of the cool-down after a challenge, Unix seconds; 0 for none. */
  quietUntil: number;
}

/**
 * Reads a service.
 *
 * @throws BlockcloudError `SERVICE_UNKNOWN`.
 */
export async function readServiceView(
  client: ChainClient,
  deployment: Deployment,
  input: { number: bigint; moment: Moment },
): Promise<ServiceView> {
  const { number, moment } = input;
  const { registry, staking, settlement, labels } = contractsOf(deployment);
  const args = [number] as const;
  const firstEpoch = await client.readContract({
    ...registry,
    functionName: "firstEpoch",
    args,
  });
  if (firstEpoch === 0) throw unknownService(number.toString());
  const services = new Services(client, deployment);
  const next = [number, moment.epoch + HORIZON] as const;
  const [owner, payout, label, classId, metadata, [stakeNow], [stakeNext], staker, settledThrough] =
    await Promise.all([
      client.readContract({ ...registry, functionName: "ownerOf", args }),
      client.readContract({ ...registry, functionName: "payoutOf", args }),
      client.readContract({ ...labels, functionName: "labelOf", args }),
      client.readContract({ ...registry, functionName: "classOf", args }),
      client.readContract({ ...registry, functionName: "metadataOf", args }),
      client.readContract({
        ...staking,
        functionName: "serviceStakeAt",
        args: [number, moment.epoch],
      }),
      client.readContract({ ...staking, functionName: "serviceStakeAt", args: next }),
      client.readContract({ ...staking, functionName: "stakerOf", args }),
      client.readContract({ ...settlement, functionName: "settledThrough", args }),
    ]);
  const [kind, standing, probe, unbonding, reinstatedSince, challenge] = await Promise.all([
    services.classAt(classId),
    readStanding(client, deployment, input),
    readProbe(client, deployment, { ...input, firstEpoch }),
    client.readContract({ ...staking, functionName: "serviceUnbonding", args: [number, staker] }),
    client.readContract({ ...registry, functionName: "reinstatedSince", args }),
    readChallenge(client, deployment, number),
  ]);
  const isKeyless = BigInt(standing.key.now) === 0n;
  const key = isKeyless ? standing.key.next : standing.key.now;
  const record = await readRecordView(client, deployment, { ...input, key });
  return {
    number,
    id: rootServiceId(number),
    owner,
    payout,
    label: label === "" ? undefined : label,
    classId,
    class: kind,
    metadata: metadata === "" ? undefined : metadata,
    ...standing,
    probe,
    stake: { now: stakeNow, next: stakeNext },
    staker,
    unbonding: unbonding.map(({ amount, releaseAt }) => ({ amount, releaseAt: Number(releaseAt) })),
    firstEpoch,
    reinstatedSince,
    settledThrough,
    record,
    ...challenge,
  };
}

/**
 * The root service with a number, an ID, a label or a name `<label>.bloc.alt`.
 *
 * @throws BlockcloudError `SERVICE_UNKNOWN`.
 */
export async function findService(
  client: ChainClient,
  deployment: Deployment,
  name: string,
): Promise<bigint> {
  if (/^\d{1,11}$/.test(name) && BigInt(name) > 0n) return BigInt(name);
  if (/^0x/i.test(name)) return rootNumber(name);
  const label = name.toLowerCase().replace(/\.bloc\.alt\.?$/, "");
  const { labels } = contractsOf(deployment);
  const args = [label] as const;
  const number = /^[a-z0-9-]{1,63}$/.test(label)
    ? await client.readContract({ ...labels, functionName: "numberOf", args })
    : 0n;
  if (number === 0n) throw unknownService(name);
  return number;
}

/** @throws BlockcloudError `SERVICE_ID_INVALID`, `SUBSERVICE_GIVEN`. */
function rootNumber(id: string): bigint {
  const { prefix, self } = parseServiceId(id);
  if (BigInt(self) === 0n) return prefix;
  throw new BlockcloudError("SUBSERVICE_GIVEN", `${id} is a sub-service of service ${prefix}.`, {
    remedy: `Name the root service, ${prefix}: sub-services are not on chain.`,
  });
}

function unknownService(name: string): BlockcloudError {
  return new BlockcloudError("SERVICE_UNKNOWN", `There is no service ${name}.`, {
    remedy: "Check number or label, and that the deployment is the right network's.",
  });
}

async function readStanding(
  client: ChainClient,
  deployment: Deployment,
  input: { number: bigint; moment: Moment },
): Promise<{ status: NowAndNext<ServiceStatus>; key: NowAndNext<Address> }> {
  const { registry } = contractsOf(deployment);
  const now = [input.number, input.moment.epoch] as const;
  const next = [input.number, input.moment.epoch + HORIZON] as const;
  const [statusNow, statusNext, keyNow, keyNext] = await Promise.all([
    client.readContract({ ...registry, functionName: "statusAt", args: now }),
    client.readContract({ ...registry, functionName: "statusAt", args: next }),
    client.readContract({ ...registry, functionName: "keyAt", args: now }),
    client.readContract({ ...registry, functionName: "keyAt", args: next }),
  ]);
  return {
    status: {
      now: serviceStatus(statusNow),
      next: serviceStatus(statusNext),
    },
    key: { now: keyNow, next: keyNext },
  };
}

async function readProbe(
  client: ChainClient,
  deployment: Deployment,
  input: { number: bigint; moment: Moment; firstEpoch: number },
): Promise<ServiceView["probe"]> {
  const { number, moment } = input;
  const { registry } = contractsOf(deployment);
  // Before its first epoch a service has only its pending specification.
  const epoch = Math.max(moment.epoch, input.firstEpoch);
  const [[now], [next]] = await Promise.all([
    client.readContract({ ...registry, functionName: "probeAt", args: [number, epoch] }),
    client.readContract({ ...registry, functionName: "probeAt", args: [number, epoch + HORIZON] }),
  ]);
  const hash = { now, next };
  try {
    const { probe } = await new Services(client, deployment).audited(number, epoch);
    return { hash, specification: probe, found: true, isNewer: false };
  } catch (error) {
    const code = error instanceof BlockcloudError ? error.code : "";
    const isNewer = code === "PROBE_VERSION";
    if (code !== "PROBE_MISSING" && !isNewer) throw error;
    return { hash, specification: undefined, found: isNewer, isNewer };
  }
}

async function readChallenge(
  client: ChainClient,
  deployment: Deployment,
  number: bigint,
): Promise<Pick<ServiceView, "challenge" | "quietUntil">> {
  const challenges = new Challenges(client, deployment);
  const [id, quietUntil] = await Promise.all([
    challenges.open(number),
    challenges.quietUntil(number),
  ]);
  if (id === undefined) return { challenge: undefined, quietUntil };
  const [challenge, question] = await Promise.all([challenges.get(id), challenges.question(id)]);
  return { challenge: { ...challenge, question }, quietUntil };
}
