import { size, type Hex } from "viem";
import type { Startable } from "../node/lifecycle.ts";
import type { Logger } from "../node/logger.ts";
import { RateLimit } from "../node/rateLimit.ts";
import type { Timers } from "../node/timers.ts";
import { bytesToHex } from "../protocol/bytes.ts";
import type { CheckedRecord } from "../protocol/checkRecord.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { nameKey } from "../protocol/nameRecord.ts";
import type { Domain } from "../protocol/typedData.ts";
import { defaultBookLimits, type BookLimits } from "./bookOptions.ts";
import {
  isNewer,
  maxBytes,
  readClaim,
  signerInId,
  type CheckedClaim,
  type Claim,
} from "./claim.ts";
import { Holdings, type Holding } from "./holdings.ts";
import type { Arrival, Authority, CheckedName, MessageKind } from "./network.ts";
import { reasonOf, refusals, type RefusalReason } from "./refusal.ts";
import { RootKeys, type KnownRoot } from "./rootKeys.ts";
import type { CoralStore } from "./store.ts";

/** What a message is about. */
export interface Subject extends Pick<Claim, "serviceId" | "place"> {
  /** Unix milliseconds up to which it holds, its delegation aside. */
  until: number;
}

/** What became of a message. */
export type Acceptance =
  | ({ outcome: "accepted"; arrival: Arrival } & Subject)
  /** It is held already: nothing changed. */
  | ({ outcome: "known" } & Subject)
  | {
      outcome: "refused";
      reason: RefusalReason;
      error: BlockcloudError;
      /** The service number that it claims, where it could be read. */
      number: bigint | undefined;
    };

/** What is told of each message. */
export interface BookObserver {
  arrived(kind: Arrival["kind"]): void;
  refused(reason: RefusalReason): void;
}

export interface BookDependencies {
  authority: Authority;
  store: CoralStore;
  /** The chain's time, Unix milliseconds. */
  now: () => number;
  timers: Timers;
  log: Logger;
  observer?: BookObserver | undefined;
}

interface HeldRecord extends Holding {
  record: CheckedRecord;
  root: KnownRoot;
}

interface HeldName extends Holding {
  name: CheckedName;
  root: KnownRoot;
}

/** How often what has run out is dropped from memory, milliseconds; nobody is given it meanwhile. */
const SWEEP_MS = 5_000;
/** Services whose rate of updates is remembered. */
const RATES = 100_000;

/**
 * What a node of the record network takes in and gives out, whoever it comes from: only what the newest key
 * of the service signed, in its newest version. It knows nothing of peers.
 *
 * The cheap checks come first: size, encoding, times and version, then the chain, then the signature. What
 * is refused leaves nothing behind but a count.
 */
export class RecordBook implements Startable {
  readonly #domain: Domain;
  readonly #limits: BookLimits;
  readonly #d: BookDependencies;
  readonly #roots: RootKeys;
  readonly #records: Holdings<HeldRecord>;
  readonly #names: Holdings<HeldName>;
  readonly #updates: RateLimit;
  readonly #updatesPerRoot: RateLimit;
  readonly #listeners = new Set<(arrival: Arrival) => void>();
  readonly #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();

  constructor(
    options: { domain: Domain; limits?: Partial<BookLimits> | undefined },
    dependencies: BookDependencies,
  ) {
    const limits = { ...defaultBookLimits, ...options.limits };
    this.#domain = options.domain;
    this.#limits = limits;
    this.#d = dependencies;
    this.#records = new Holdings({ all: limits.records, perRoot: limits.recordsPerRoot });
    this.#names = new Holdings({ all: limits.names, perRoot: limits.namesPerRoot });
    const monotonic = () => dependencies.timers.monotonic();
    this.#updates = new RateLimit({ ...limits.updates, maxPeers: RATES }, monotonic);
    this.#updatesPerRoot = new RateLimit({ ...limits.updatesPerRoot, maxPeers: RATES }, monotonic);
    this.#roots = new RootKeys(
      { reads: limits.reads },
      {
        authority: dependencies.authority,
        timers: dependencies.timers,
        log: dependencies.log,
        holds: (number) => this.#held(number).length > 0,
        changed: (number, root) => {
          this.#keep(number, root);
        },
      },
    );
  }

  async start(): Promise<void> {
    this.#roots.start();
    this.#loop = this.#sweep();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#roots.stop();
    await this.#loop;
  }

  /**
   * Takes a message in, or says why not. Two that race are taken as if the later version came last: from
   * the chain's answer on nothing waits, and each looks at the floor that the other one set.
   */
  async accept(kind: MessageKind, encoded: Hex | Uint8Array): Promise<Acceptance> {
    let claim: Claim | undefined;
    try {
      claim = this.#read(kind, encoded);
      if (this.#isHeld(claim)) return known(claim);
      const self = signerInId(claim);
      if (self !== undefined) this.#checkFloor(claim, self);
      const root = await this.#roots.active(claim.number);
      return this.#take(claim, root);
    } catch (error) {
      const reason = reasonOf(error);
      // What is no refusal is a fault of ours, and must not look like one of the sender.
      if (reason === undefined || !(error instanceof BlockcloudError)) throw error;
      this.#d.observer?.refused(reason);
      return { outcome: "refused", reason, error, number: claim?.number };
    }
  }

  /** The record that is held of a service, its lease and its delegation running. */
  record(serviceId: Hex): CheckedRecord | undefined {
    return this.#records.get(serviceId.toLowerCase() as Hex, this.#d.now())?.record;
  }

  /** What a root service means by a name, if it is known here. */
  name(root: Hex, label: string): CheckedName | undefined {
    return this.nameAt(nameKey(root.toLowerCase() as Hex, label));
  }

  /** The same by the name's key. */
  nameAt(key: Hex): CheckedName | undefined {
    return this.#names.get(key, this.#d.now())?.name;
  }

  /** Up to when delegations to a service are taken back, Unix milliseconds. */
  revokedUpTo(serviceId: Hex): bigint | undefined {
    return this.#d.store.revocation(serviceId.toLowerCase() as Hex)?.issuedAt;
  }

  /** What is held of a kind at its place, as it was published. */
  encodedAt(kind: MessageKind, place: Hex): Hex | undefined {
    switch (kind) {
      case "endpoint":
        return this.record(place)?.encoded;
      case "name":
        return this.nameAt(place)?.encoded;
      case "revocation":
        return this.#d.store.revocation(place)?.encoded;
    }
  }

  /** Records and names in memory. */
  get held(): { records: number; names: number } {
    return { records: this.#records.size, names: this.#names.size };
  }

  /** Calls back for what is new. Returns how to end that. */
  onArrival(listener: (arrival: Arrival) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #read(kind: MessageKind, encoded: Hex | Uint8Array): Claim {
    const bytes = typeof encoded === "string" ? size(encoded) : encoded.length;
    if (bytes > maxBytes[kind]) throw refusals.oversized(bytes, maxBytes[kind]);
    const hex = typeof encoded === "string" ? encoded : bytesToHex(encoded);
    return readClaim(kind, hex.toLowerCase() as Hex, this.#d.now());
  }

  #isHeld({ kind, place, encoded }: Claim): boolean {
    return this.encodedAt(kind, place) === encoded;
  }

  /** Everything from here to the end happens at once: no other message comes between. */
  #take(claim: Claim, root: KnownRoot): Acceptance {
    const { kind, place, number, issuedAt } = claim;
    const now = this.#d.now();
    this.#checkFloor(claim, signerInId(claim) ?? root.key);
    const checked = claim.check({
      domain: this.#domain,
      now,
      rootKey: root.key,
      revokedUpTo: this.#revokedBy(root, place),
    });
    const { signer, digest } = checked;
    const floor = this.#d.store.floor(kind, place, signer);
    const version = { issuedAt, digest };
    const again = floor?.issuedAt === issuedAt && floor.digest === digest;
    if (again && this.#holds(claim, digest)) return known(claim);
    if (!again) {
      if (floor !== undefined && !isNewer(version, floor)) {
        throw refusals.older(issuedAt, floor.issuedAt);
      }
      this.#checkRoom(claim, floor === undefined);
      const forgetAt = Number(issuedAt) + claim.longest;
      this.#d.store.raise({ kind, place, signer, number, ...version, forgetAt });
    }
    const arrival = this.#hold(claim, checked, root);
    this.#tell(arrival);
    return { outcome: "accepted", arrival, ...subjectOf(claim) };
  }

  /** Before the signature, by the key that would have to be the signer: the digest is not known yet. */
  #checkFloor({ kind, place, issuedAt }: Claim, signer: Hex): void {
    const floor = this.#d.store.floor(kind, place, signer);
    if (floor !== undefined && issuedAt < floor.issuedAt) {
      throw refusals.older(issuedAt, floor.issuedAt);
    }
  }

  /** After the signature: nobody else can use up what a service may publish. */
  #checkRoom({ number, place }: Claim, first: boolean): void {
    const rate = this.#updates.take(place) + this.#updatesPerRoot.take(number.toString());
    if (rate > 0) throw refusals.rate();
    if (first && this.#d.store.floorsOf(number) >= this.#limits.floorsPerRoot) {
      throw refusals.crowded(number);
    }
  }

  #holds({ kind, place }: Claim, digest: Hex): boolean {
    const now = this.#d.now();
    if (kind === "endpoint") return this.#records.peek(place, now)?.record.digest === digest;
    if (kind === "name") return this.#names.peek(place, now)?.name.digest === digest;
    return this.#d.store.revocation(place) !== undefined;
  }

  #hold({ place, number, serviceId }: Claim, checked: CheckedClaim, root: KnownRoot): Arrival {
    const { message, until, signer } = checked;
    switch (message.kind) {
      case "endpoint":
        this.#records.set(place, { number, until, root, record: message.record });
        break;
      case "name":
        this.#names.set(place, { number, until, root, name: message.name });
        break;
      case "revocation": {
        const { revocation, encoded } = message.revocation;
        this.#d.store.keepRevocation({ ...revocation, serviceId, signer, encoded });
        const delegated = this.#records.peek(place, this.#d.now())?.record.delegation?.issuedAt;
        if (delegated !== undefined && delegated <= revocation.issuedAt)
          this.#records.delete(place);
      }
    }
    return { ...message, serviceId };
  }

  /** A revocation counts as long as the key that signed it. */
  #revokedBy(root: KnownRoot, place: Hex): bigint | undefined {
    const revocation = this.#d.store.revocation(place);
    return revocation?.signer === root.key ? revocation.issuedAt : undefined;
  }

  #held(number: bigint): [Hex, HeldRecord | HeldName][] {
    return [...this.#records.of(number), ...this.#names.of(number)];
  }

  /** Drops what is held of a root service and all below it, unless it holds against its key of now. */
  #keep(number: bigint, root: KnownRoot | undefined): void {
    const gone = this.#held(number).filter(([, held]) => held.root.key !== root?.key);
    for (const [place, held] of gone) {
      if ("record" in held) this.#records.delete(place);
      else this.#names.delete(place);
    }
    if (gone.length > 0) this.#tell({ kind: "dropped", number });
  }

  #tell(arrival: Arrival): void {
    this.#d.observer?.arrived(arrival.kind);
    for (const listener of this.#listeners) {
      try {
        listener(arrival);
      } catch (error) {
        this.#d.log.error("a listener of the record network failed", { error });
      }
    }
  }

  async #sweep(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#d.timers.sleep(SWEEP_MS, signal);
      } catch {
        // Only the end of the book ends its sleep.
        return;
      }
      this.#records.sweep(this.#d.now());
      this.#names.sweep(this.#d.now());
    }
  }
}

function known(claim: Claim): Acceptance {
  return { outcome: "known", ...subjectOf(claim) };
}

function subjectOf({ serviceId, place, expiresAt }: Claim): Subject {
  return { serviceId, place, until: Number(expiresAt) };
}
