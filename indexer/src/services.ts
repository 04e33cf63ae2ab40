import { ponder } from "ponder:registry";
import { announcement, label, service, serviceEvent, serviceKind, slot } from "ponder:schema";
import { hexToString, isAddressEqual, zeroAddress, type Address, type Hex } from "viem";
import { rootServiceId } from "@protocol/serviceId.ts";
import { placeOf } from "@protocol/sortition.ts";
import { provenRecord } from "./announced.ts";
import { epochOf, placeOfEvent, storable, type Db, type Source, idOf } from "./context.ts";
import { changeEpoch, changeNetwork } from "./totals.ts";

type Service = (typeof service)["$inferSelect"];

/** Notes what happened to a service. */
export async function note(
  db: Db,
  event: Source,
  number: bigint,
  kind: string,
  more: { since?: number; account?: Hex; amount?: bigint; detail?: string } = {},
): Promise<void> {
  await db.insert(serviceEvent).values({
    id: idOf(event),
    number,
    kind,
    since: more.since ?? null,
    epoch: epochOf(event.block.timestamp),
    ...placeOfEvent(event),
    account: more.account ?? null,
    amount: more.amount ?? null,
    detail: more.detail ?? null,
  });
}

/** Changes a service, and its status if that follows from what changed. */
export async function changeService(
  db: Db,
  number: bigint,
  change: (row: Service) => Partial<Service>,
): Promise<void> {
  await db.update(service, { number }).set((row) => {
    const changed = change(row);
    // Ponder's rows are proxies: a copy of one would cost more than all else that is done with it.
    const after = <T extends keyof Service>(name: T) =>
      name in changed ? (changed as Service)[name] : row[name];
    return STATUS_OF.some((name) => name in changed)
      ? { ...changed, status: statusOf(after) }
      : changed;
  });
}

/** The columns that a status follows from. */
const STATUS_OF = ["retired", "suspended", "maintenance", "key", "active"] as const;

/** The uppermost status that applies (docs/protocol.md, Status). */
function statusOf(valueOf: <T extends keyof Service>(name: T) => Service[T]): string {
  if (valueOf("retired")) return "Retired";
  if (valueOf("suspended")) return "Suspended";
  if (valueOf("maintenance")) return "Maintenance";
  if (valueOf("key") === null) return "Keyless";
  return valueOf("active") ? "Active" : "Unstaked";
}

ponder.on("Registry:ClassAdded", async ({ event, context }) => {
  const { classId, name } = event.args;
  // An added class never changes, but for `open`: it can be read at any block.
  const terms = await context.client.readContract({
    abi: context.contracts.Registry.abi,
    address: context.contracts.Registry.address,
    functionName: "classAt",
    args: [classId],
    cache: "immutable",
  });
  await context.db.insert(serviceKind).values({
    classId,
    name: storable(hexToString(name, { size: 32 }), 32),
    open: true,
    minimumStake: terms.minimumStake,
    maximumStake: terms.maximumStake,
    registrationFee: terms.registrationFee,
    excellentMs: terms.excellentMs,
    goodMs: terms.goodMs,
    poorMs: terms.poorMs,
    verifier: terms.verifier,
  });
});

ponder.on("Registry:ClassOpenSet", async ({ event, context }) => {
  const { classId, open } = event.args;
  await context.db.update(serviceKind, { classId }).set({ open });
});

ponder.on("Registry:ServiceRegistered", async ({ event, context }) => {
  const { number, owner, classId, key, metadata } = event.args;
  const epoch = epochOf(event.block.timestamp);
  await context.db.insert(service).values({
    number,
    serviceId: rootServiceId(number),
    owner,
    classId,
    registeredAt: event.block.timestamp,
    registeredBlock: event.block.number,
    key,
    keySince: epoch + 2,
    metadata: storable(metadata, 256),
    probe: null,
    probeSince: epoch + 2,
    payout: null,
    label: null,
    status: "Unstaked",
    active: false,
    activeSince: epoch + 2,
    maintenance: false,
    suspended: false,
    retired: false,
    slot: null,
    shard: null,
    lane: null,
    slotSince: null,
    stake: 0n,
    stakeSince: epoch + 2,
    slashed: 0n,
    verdict: null,
    verdictEpoch: null,
    verdictBefore: null,
    verdictBeforeEpoch: null,
    rewards: 0n,
    settledEpoch: null,
    redeemed: 0n,
    collected: 0n,
    collectedFees: 0n,
    openChallenge: null,
    challenges: 0,
    unansweredChallenges: 0,
  });
  await note(context.db, event, number, "registered", { account: owner });
  await changeEpoch(context.db, epoch, (row) => ({ registered: row.registered + 1 }));
  await changeNetwork(context.db, (row) => ({ services: row.services + 1 }));
});

ponder.on("Registry:Transfer", async ({ event, context }) => {
  const { from, to, tokenId } = event.args;
  // The first transfer of a number is its registration, which has an event of its own.
  if (isAddressEqual(from, zeroAddress)) return;
  await changeService(context.db, tokenId, () => ({ owner: to }));
  await note(context.db, event, tokenId, "transferred", { account: to });
});

ponder.on("Registry:KeySet", async ({ event, context }) => {
  const { number, since, key } = event.args;
  await changeService(context.db, number, () => ({ key: orNull(key), keySince: since }));
  await note(context.db, event, number, "key", { since, account: key });
});

ponder.on("Registry:ProbeSet", async ({ event, context }) => {
  const { number, since, probe } = event.args;
  await changeService(context.db, number, () => ({ probe: textOf(probe), probeSince: since }));
  await note(context.db, event, number, "probe", { since });
});

ponder.on("Registry:MetadataSet", async ({ event, context }) => {
  const { number, metadata } = event.args;
  await changeService(context.db, number, () => ({ metadata: storable(metadata, 256) }));
  await note(context.db, event, number, "metadata");
});

ponder.on("Registry:PayoutSet", async ({ event, context }) => {
  const { number, payout } = event.args;
  await changeService(context.db, number, () => ({ payout: orNull(payout) }));
  await note(context.db, event, number, "payout", { account: payout });
});

ponder.on("Registry:ActivityChanged", async ({ event, context }) => {
  const { number, since, active } = event.args;
  await changeService(context.db, number, () => ({ active, activeSince: since }));
  await note(context.db, event, number, "activity", { since, detail: active ? "on" : "off" });
});

ponder.on("Registry:MaintenanceSet", async ({ event, context }) => {
  const { number, since, on } = event.args;
  await changeService(context.db, number, () => ({ maintenance: on }));
  await note(context.db, event, number, "maintenance", { since, detail: on ? "on" : "off" });
});

ponder.on("Registry:ServiceSuspended", async ({ event, context }) => {
  const { number, since } = event.args;
  await changeService(context.db, number, () => ({ suspended: true }));
  await note(context.db, event, number, "suspended", { since });
});

ponder.on("Registry:ServiceReinstated", async ({ event, context }) => {
  const { number, since } = event.args;
  await changeService(context.db, number, () => ({ suspended: false }));
  await note(context.db, event, number, "reinstated", { since });
});

ponder.on("Registry:ServiceRetired", async ({ event, context }) => {
  const { number, since } = event.args;
  await changeService(context.db, number, () => ({ retired: true }));
  await note(context.db, event, number, "retired", { since });
  await changeNetwork(context.db, (row) => ({ retiredServices: row.retiredServices + 1 }));
});

ponder.on("Registry:SlotTaken", async ({ event, context }) => {
  const { number, since } = event.args;
  const taken = BigInt(event.args.slot);
  const place = placeOf(Number(taken));
  await context.db
    .insert(slot)
    .values({
      slot: taken,
      number,
      since,
      previous: null,
      previousSince: null,
      released: false,
    })
    .onConflictDoUpdate((row) => ({
      number,
      since,
      previous: row.number,
      previousSince: row.since,
      released: false,
    }));
  await changeService(context.db, number, () => ({
    slot: taken,
    shard: BigInt(place.shard),
    lane: place.lane,
    slotSince: since,
  }));
});

ponder.on("Registry:SlotReleased", async ({ event, context }) => {
  await context.db.update(slot, { slot: BigInt(event.args.slot) }).set({ released: true });
});

ponder.on("Registry:Announced", async ({ event, context }) => {
  const { number, record } = event.args;
  const known = await context.db.find(service, { number });
  const proven =
    known?.key == null ? undefined : provenRecord(record, number, known.key, event.block.timestamp);
  const stored = await context.db.find(announcement, { number });
  // Anyone may announce anything: a record that proves nothing never hides one that does, nor an older a newer one.
  if (stored?.proven && (proven === undefined || proven.issuedAt <= (stored.issuedAt ?? 0n)))
    return;
  const row = {
    record,
    time: event.block.timestamp,
    block: event.block.number,
    from: event.transaction.from,
    proven: proven !== undefined,
    issuedAt: proven?.issuedAt ?? null,
    expiresAt: proven?.expiresAt ?? null,
    endpoints: proven?.endpoints ?? null,
  };
  await context.db
    .insert(announcement)
    .values({ number, ...row })
    .onConflictDoUpdate(row);
});

ponder.on("Registry:ClosingAnnounced", async ({ event, context }) => {
  await changeNetwork(context.db, () => ({ closesAt: event.args.closesAt }));
});

ponder.on("Registry:ClosingRevoked", async ({ context }) => {
  await changeNetwork(context.db, () => ({ closesAt: null }));
});

ponder.on("Labels:LabelSet", async ({ event, context }) => {
  const { number } = event.args;
  const text = storable(event.args.label, 63);
  await context.db.insert(label).values({ label: text, number, ...placeOfEvent(event) });
  await changeService(context.db, number, () => ({ label: text }));
  await note(context.db, event, number, "label", { detail: text });
});

function orNull(address: Address): Address | null {
  return isAddressEqual(address, zeroAddress) ? null : address;
}

/** The text of bytes that are UTF-8 as a whole. */
function textOf(bytes: Hex): string | null {
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    return storable(decoder.decode(Buffer.from(bytes.slice(2), "hex")), 1024);
  } catch {
    return null; // A probe that is no UTF-8 fails every inspection: the column says so by null.
  }
}
