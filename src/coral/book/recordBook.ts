import { size, type Hex } from "viem";
import type { Startable } from "../../node/lifecycle.ts";
import type { Logger } from "../../node/logger.ts";
import { RateLimit } from "../../node/rateLimit.ts";
import type { Timers } from "../../node/timers.ts";
import { bytesToHex } from "../../protocol/bytes.ts";
import type { VerifiedRecord } from "../../protocol/checkRecord.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { nameKey } from "../../protocol/nameRecord.ts";
import type { Domain } from "../../protocol/typedData.ts";
import { defaultBookLimits, type BookLimits } from "./options.ts";
import {
  isNewer,
  maxBytes,
  readClaim,
  signerInId,
  type VerifiedMessage,
  type UnverifiedMessage,
} from "./message.ts";
import { Holdings, type Holding } from "./holdings.ts";
import type { Arrival, Authority, VerifiedName, MessageKind } from "../network.ts";
import { reasonOf, refusals, type RefusalReason } from "./refusal.ts";
import { RootKeys, type KnownRoot } from "./rootKeys.ts";
import type { CoralStore } from "./store.ts";

/** The subject of a message. */
export interface Subject extends Pick<UnverifiedMessage, "serviceId" | "place"> {
  /** End of validity, regardless of the delegation, Unix milliseconds. */
  until: number;
}

/** The outcome of a message. */
export type Acceptance =
  | ({ outcome: "accepted"; arrival: Arrival } & Subject)
  /** The node holds it already: nothing changed. */
  | ({ outcome: "known" } & Subject)
  | {
      outcome: "refused";
      reason: RefusalReason;
      error: BlockcloudError;
      /** The service number in the message, if it could be decoded. */
      number: bigint | undefined;
    };

/** Is told the outcome of each message. */
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
  record: VerifiedRecord;
  root: KnownRoot;
}

interface HeldName extends Holding {
  name: VerifiedName;
  root: KnownRoot;
}

/** Interval between removals of expired messages from memory, milliseconds. They are not served meanwhile. */
const SWEEP_MS = 5_000;
/** Services whose update rate is tracked. */
const RATES = 100_000;

/**
 * Decides which messages a node accepts and serves: only the newest version, signed by the newest key of the
 * service. It treats all sources alike and knows no peers.
 *
 * The cheap checks come first: size, encoding, times and version, then the chain, then the signature. A
 * refused message only increments a counter.
 */
export class RecordBook implements Startable {
  readonly #domain: Domain;
  readonly #limits: BookLimits;
  readonly #store: CoralStore;
  readonly #now: () => number;
  readonly #timers: Timers;
  readonly #log: Logger;
  readonly #observer: BookObserver | undefined;
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
    this.#store = dependencies.store;
    this.#now = dependencies.now;
    this.#timers = dependencies.timers;
    this.#log = dependencies.log;
    this.#observer = dependencies.observer;
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
   * Accepts a message, or says why it is refused. Of two concurrent messages the later version wins: once the
   * chain has answered, the rest runs synchronously, so each message sees the floor that the other one set.
   */
  async accept(kind: MessageKind, encoded: Hex | Uint8Array): Promise<Acceptance> {
    let claim: UnverifiedMessage | undefined;
    try {
      claim = this.#read(kind, encoded);
      if (this.#isHeld(claim)) return known(claim);
      const self = signerInId(claim);
      if (self !== undefined) this.#checkFloor(claim, self);
      const root = await this.#roots.active(claim.number);
      return this.#take(claim, root);
    } catch (error) {
      const reason = reasonOf(error);
      // Unexpected errors are rethrown: they are faults of this node, not of the sender.
      if (reason === undefined || !(error instanceof BlockcloudError)) throw error;
      this.#observer?.refused(reason);
      return { outcome: "refused", reason, error, number: claim?.number };
    }
  }

  /** The record of a service, if its lease and its delegation have not expired. */
  record(serviceId: Hex): VerifiedRecord | undefined {
    return this.#records.get(serviceId.toLowerCase() as Hex, this.#now())?.record;
  }

  /** The name record of a name under a root service, if this node holds one. */
  name(root: Hex, label: string): VerifiedName | undefined {
    return this.nameAt(nameKey(root.toLowerCase() as Hex, label));
  }

  /** The name record by the key of the name. */
  nameAt(key: Hex): VerifiedName | undefined {
    return this.#names.get(key, this.#now())?.name;
  }

  /** Delegations to a service that were issued up to this time are revoked, Unix milliseconds. */
  revokedUpTo(serviceId: Hex): bigint | undefined {
    return this.#store.revocation(serviceId.toLowerCase() as Hex)?.issuedAt;
  }

  /** The encoded message of a kind at a place, as it was published. */
  encodedAt(kind: MessageKind, place: Hex): Hex | undefined {
    switch (kind) {
      case "endpoint":
        return this.record(place)?.encoded;
      case "name":
        return this.nameAt(place)?.encoded;
      case "revocation":
        return this.#store.revocation(place)?.encoded;
    }
  }

  /** Records and names in memory. */
  get held(): { records: number; names: number } {
    return { records: this.#records.size, names: this.#names.size };
  }

  /** Calls back for each new message. Returns a function that removes the listener. */
  onArrival(listener: (arrival: Arrival) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #read(kind: MessageKind, encoded: Hex | Uint8Array): UnverifiedMessage {
    const bytes = typeof encoded === "string" ? size(encoded) : encoded.length;
    if (bytes > maxBytes[kind]) throw refusals.oversized(bytes, maxBytes[kind]);
    const hex = typeof encoded === "string" ? encoded : bytesToHex(encoded);
    return readClaim(kind, hex.toLowerCase() as Hex, this.#now());
  }

  #isHeld({ kind, place, encoded }: UnverifiedMessage): boolean {
    return this.encodedAt(kind, place) === encoded;
  }

  /** Runs synchronously: no other message is processed in between. */
  #take(claim: UnverifiedMessage, root: KnownRoot): Acceptance {
    const { kind, place, number, issuedAt } = claim;
    const now = this.#now();
    this.#checkFloor(claim, signerInId(claim) ?? root.key);
    const checked = claim.check({
      domain: this.#domain,
      now,
      rootKey: root.key,
      revokedUpTo: this.#revokedBy(root, place),
    });
    const { signer, digest } = checked;
    const floor = this.#store.floor(kind, place, signer);
    const version = { issuedAt, digest };
    const again = floor?.issuedAt === issuedAt && floor.digest === digest;
    if (again && this.#holds(claim, digest)) return known(claim);
    if (!again) {
      if (floor !== undefined && !isNewer(version, floor)) {
        throw refusals.older(issuedAt, floor.issuedAt);
      }
      this.#checkRoom(claim, floor === undefined);
      const forgetAt = Number(issuedAt) + claim.longest;
      this.#store.raise({ kind, place, signer, number, ...version, forgetAt });
    }
    const arrival = this.#hold(claim, checked, root);
    this.#tell(arrival);
    return { outcome: "accepted", arrival, ...subjectOf(claim) };
  }

  /** Runs before the signature check, with the key that must be the signer: the digest is not known yet. */
  #checkFloor({ kind, place, issuedAt }: UnverifiedMessage, signer: Hex): void {
    const floor = this.#store.floor(kind, place, signer);
    if (floor !== undefined && issuedAt < floor.issuedAt) {
      throw refusals.older(issuedAt, floor.issuedAt);
    }
  }

  /** Runs after the signature check, so that strangers cannot use up a service's share. */
  #checkRoom({ number, place }: UnverifiedMessage, first: boolean): void {
    const rate = this.#updates.take(place) + this.#updatesPerRoot.take(number.toString());
    if (rate > 0) throw refusals.rate();
    if (first && this.#store.floorsOf(number) >= this.#limits.floorsPerRoot) {
      throw refusals.crowded(number);
    }
  }

  #holds({ kind, place }: UnverifiedMessage, digest: Hex): boolean {
    const now = this.#now();
    if (kind === "endpoint") return this.#records.peek(place, now)?.record.digest === digest;
    if (kind === "name") return this.#names.peek(place, now)?.name.digest === digest;
    return this.#store.revocation(place) !== undefined;
  }

  #hold(
    { place, number, serviceId }: UnverifiedMessage,
    checked: VerifiedMessage,
    root: KnownRoot,
  ): Arrival {
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
        this.#store.keepRevocation({ ...revocation, serviceId, signer, encoded });
        const delegated = this.#records.peek(place, this.#now())?.record.delegation?.issuedAt;
        if (delegated !== undefined && delegated <= revocation.issuedAt)
          this.#records.delete(place);
      }
    }
    return { ...message, serviceId };
  }

  /** A revocation is valid as long as the key that signed it. */
  #revokedBy(root: KnownRoot, place: Hex): bigint | undefined {
    const revocation = this.#store.revocation(place);
    return revocation?.signer === root.key ? revocation.issuedAt : undefined;
  }

  #held(number: bigint): [Hex, HeldRecord | HeldName][] {
    return [...this.#records.of(number), ...this.#names.of(number)];
  }

  /** Drops the messages of a root service and its sub-services that are not valid under the current key. */
  #keep(number: bigint, root: KnownRoot | undefined): void {
    const gone = this.#held(number).filter(([, held]) => held.root.key !== root?.key);
    for (const [place, held] of gone) {
      if ("record" in held) this.#records.delete(place);
      else this.#names.delete(place);
    }
    if (gone.length > 0) this.#tell({ kind: "dropped", number });
  }

  #tell(arrival: Arrival): void {
    this.#observer?.arrived(arrival.kind);
    for (const listener of this.#listeners) {
      try {
        listener(arrival);
      } catch (error) {
        this.#log.error("a listener of the record network failed", { error });
      }
    }
  }

  async #sweep(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#timers.sleep(SWEEP_MS, signal);
      } catch {
        // The sleep is aborted only when the book stops.
        return;
      }
      this.#records.sweep(this.#now());
      this.#names.sweep(this.#now());
    }
  }
}

function known(claim: UnverifiedMessage): Acceptance {
  return { outcome: "known", ...subjectOf(claim) };
}

function subjectOf({ serviceId, place, expiresAt }: UnverifiedMessage): Subject {
  return { serviceId, place, until: Number(expiresAt) };
}
