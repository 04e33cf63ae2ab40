import { hexToString, keccak256, type Hex } from "viem";
import { readRecord } from "../../../../src/protocol/record.ts";
import { blockcloudDomain } from "../../../../src/protocol/typedData.ts";
import { distinct, FAR, orNull, same, sumOf, type Fact, type RawChain, type Row } from "./chain.ts";

/** `IServiceRegistry.Status`. */
const STATUS = ["None", "Active", "Unstaked", "Maintenance", "Suspended", "Retired", "Keyless"];
/** Milliseconds by which a record may be from the future. */
const AHEAD = 60_000n;

/** A stranger's text: U+FFFD stands for each character 0, and for a byte order mark at the beginning. */
const storable = (text: string) => {
  const plain = text.split("\0").join("\uFFFD");
  return plain.startsWith("\uFEFF") ? `\uFFFD${plain.slice(1)}` : plain;
};

export const ofService = (number: bigint) => (fact: Fact) => fact.big("number") === number;

/** The services, their rounds being counted already. */
export async function recountServices(chain: RawChain, rounds: readonly Row[]): Promise<Row[]> {
  return Promise.all(
    chain
      .all("registry.ServiceRegistered")
      .map((registered) => recountService(chain, registered, rounds)),
  );
}

async function recountService(chain: RawChain, registered: Fact, rounds: readonly Row[]) {
  const number = registered.big("number");
  const isIt = ofService(number);
  const serviceId = `0x${number.toString(16).padStart(16, "0")}${"0".repeat(48)}`;
  const view = <T>(name: string, ...args: unknown[]) =>
    chain.view<T>("registry", name, [number, ...args]);
  const first = await view<number>("firstEpoch");
  const newest = (name: string) => chain.all(name).filter(isIt).at(-1);
  const sinceOf = (fact: Fact | undefined) => fact?.int("since") ?? first;

  const [place, active, key] = await view<[number, boolean, string]>("auditAt", FAR);
  const status = STATUS[await view<number>("statusNow")]!;
  const owner = (await view<string>("ownerOf")).toLowerCase();
  const payout = orNull(newest("registry.PayoutSet")?.text("payout") ?? `0x${"0".repeat(40)}`);
  same("payout", (await view<string>("payoutOf")).toLowerCase(), payout ?? owner);
  const probed = newest("registry.ProbeSet")!;
  const [hash] = await view<[Hex, bigint]>("probeAt", FAR);
  same("probe", keccak256(probed.text("probe") as Hex), hash);
  const suspension = chain
    .all("registry.ServiceSuspended", "registry.ServiceReinstated")
    .filter(isIt)
    .at(-1);
  const retired = newest("registry.ServiceRetired") !== undefined;
  same("retired", retired, status === "Retired");
  const [stake] = await chain.view<[bigint]>("staking", "serviceStakeAt", [number, FAR]);
  const quorate = rounds
    .filter((row) => row.number === number && row.verdict !== null)
    .sort((one, other) => Number(other.epoch) - Number(one.epoch));
  const settled = chain.all("settlement.Settled").filter(isIt);
  const challenges = chain.all("challengeBook.ChallengeOpened").filter(isIt);
  const open = await chain.view<bigint>("challengeBook", "openChallenge", [number]);
  const fees = chain.all("cashier.Collected").filter((fact) => fact.served === number);
  const collected = await chain.view<bigint>("cashier", "collectedOf", [serviceId]);
  return {
    number,
    serviceId,
    owner,
    classId: await view<number>("classOf"),
    registeredAt: registered.time,
    registeredBlock: registered.block,
    key: orNull(key),
    keySince: sinceOf(newest("registry.KeySet")),
    metadata: storable(await view<string>("metadataOf")),
    probe: utf8(probed.text("probe")),
    probeSince: probed.int("since"),
    payout,
    label: (await chain.view<string>("labels", "labelOf", [number])) || null,
    status,
    active,
    activeSince: sinceOf(newest("registry.ActivityChanged")),
    maintenance: newest("registry.MaintenanceSet")?.flag("on") ?? false,
    suspended: suspension?.name === "registry.ServiceSuspended",
    retired,
    slot: place === 0 ? null : BigInt(place),
    shard: place === 0 ? null : BigInt(Math.ceil(place / 15) - 1),
    lane: place === 0 ? null : (place + 14) % 15,
    slotSince: newest("registry.SlotTaken")?.int("since") ?? null,
    stake,
    stakeSince: sinceOf(newest("staking.ServiceStakeChanged")),
    slashed: sumOf(chain.all("staking.ServiceSlashed").filter(isIt), "amount"),
    verdict: quorate[0]?.verdict ?? null,
    verdictEpoch: quorate[0]?.epoch ?? null,
    verdictBefore: quorate[1]?.verdict ?? null,
    verdictBeforeEpoch: quorate[1]?.epoch ?? null,
    rewards: sumOf(settled, "reward"),
    settledEpoch: settled.length === 0 ? null : Math.max(...settled.map((e) => e.int("epoch"))),
    redeemed: collected + (await chain.view<bigint>("cashier", "earnedOf", [serviceId])),
    collected,
    collectedFees: sumOf(fees, "fee"),
    openChallenge: open === 0n ? null : open,
    challenges: challenges.length,
    unansweredChallenges: chain.all("challengeBook.ChallengeUnanswered").filter(isIt).length,
  };
}

export async function recountKinds(chain: RawChain): Promise<Row[]> {
  const count = await chain.view<bigint>("registry", "classCount");
  return Promise.all(
    Array.from({ length: Number(count) }, async (_, classId) => {
      const kind = await chain.view<Row>("registry", "classAt", [classId]);
      const { name, verifier, ...terms } = kind;
      return {
        classId,
        name: storable(hexToString((name as string).replace(/(00)+$/, "") as Hex)),
        verifier: (verifier as string).toLowerCase(),
        ...terms,
      };
    }),
  );
}

export async function recountStakes(chain: RawChain): Promise<Row[]> {
  const changes = chain.all("staking.ServiceStakeChanged");
  const keys = distinct(changes, (fact) => `${fact.text("number")} ${fact.text("since")}`);
  return Promise.all(
    keys.map(async (key) => {
      const [number, since] = key.split(" ");
      const args = [BigInt(number!), Number(since)];
      const [stake] = await chain.view<[bigint]>("staking", "serviceStakeAt", args);
      return { number: args[0], since: args[1], stake };
    }),
  );
}

export async function recountLabels(chain: RawChain): Promise<Row[]> {
  return Promise.all(
    chain.all("labels.LabelSet").map(async (fact) => {
      const label = fact.text("label");
      return { label, number: await chain.view("labels", "numberOf", [label]), ...fact.place };
    }),
  );
}

export function recountSlots(chain: RawChain): Row[] {
  const taken = chain.all("registry.SlotTaken");
  return distinct(taken, (fact) => fact.big("slot")).map((slot) => {
    const isIt = (fact: Fact) => fact.big("slot") === slot;
    const [holder, before] = taken.filter(isIt).reverse();
    const newest = chain.all("registry.SlotTaken", "registry.SlotReleased").filter(isIt).at(-1)!;
    return {
      slot,
      number: holder!.big("number"),
      since: holder!.int("since"),
      previous: before?.big("number") ?? null,
      previousSince: before?.int("since") ?? null,
      released: newest.name === "registry.SlotReleased",
    };
  });
}

/**
 * Of the records that were proven when they were announced, the first of the newest; the last announced one if none
 * was.
 */
export async function recountAnnouncements(chain: RawChain): Promise<Row[]> {
  const announced = chain.all("registry.Announced");
  return Promise.all(
    distinct(announced, (fact) => fact.big("number")).map(async (number) => {
      const own = announced.filter(ofService(number));
      const read = await Promise.all(
        own.map(async (fact) => ({ fact, record: await provenRecord(chain, fact) })),
      );
      const proven = read.flatMap(({ fact, record }) => (record ? [{ fact, record }] : []));
      const newest = proven.reduce<(typeof proven)[number] | undefined>(
        (best, each) => (best && best.record.issuedAt >= each.record.issuedAt ? best : each),
        undefined,
      );
      const { fact, record } = newest ?? { fact: own.at(-1)!, record: undefined };
      return {
        number,
        record: fact.text("record"),
        ...{ time: fact.time, block: fact.block, from: fact.from },
        proven: record !== undefined,
        issuedAt: record?.issuedAt ?? null,
        expiresAt: record?.expiresAt ?? null,
        endpoints:
          record?.endpoints.map(({ uri, priority, weight }) => ({
            ...{ uri: storable(uri), priority, weight },
          })) ?? null,
      };
    }),
  );
}

async function provenRecord(chain: RawChain, fact: Fact) {
  const number = fact.big("number");
  const key = await chain.view<string>("registry", "keyAt", [number, FAR], fact.block);
  const domain = blockcloudDomain(BigInt(chain.chainId), chain.registry);
  try {
    const { record, signer } = readRecord(fact.text("record") as Hex, domain);
    const now = fact.time * 1000n;
    const isCurrent = record.issuedAt <= now + AHEAD && record.expiresAt > now;
    const isOwn = BigInt(record.serviceId) === number << 192n && record.delegation === "0x";
    const isSigned = signer.toLowerCase() === key.toLowerCase();
    return isCurrent && isOwn && isSigned ? record : undefined;
  } catch {
    return undefined; // No record at all.
  }
}

function utf8(bytes: string): string | null {
  const raw = Buffer.from(bytes.slice(2), "hex");
  const text = raw.toString("utf8");
  return Buffer.from(text, "utf8").equals(raw) ? storable(text) : null;
}
