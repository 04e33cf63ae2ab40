import { getAddress, type Hex } from "viem";
import { raceSignal } from "race-signal";
import type { Directory, ServiceFacts } from "../../chain/directory.ts";
import type { RecordNetwork } from "../../coral/network.ts";
import type { Logger } from "../../node/logger.ts";
import { checkRecord, type VerifiedRecord } from "../../protocol/checkRecord.ts";
import { readDelegation } from "../../protocol/delegation.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import type { Domain } from "../../protocol/typedData.ts";
import { isRootId, numberOfId } from "../ids.ts";
import type { AnswerSource } from "../answer.ts";
import type { SeenRecord } from "../cache/entry.ts";
import {
  expiredDelegation,
  inactiveService,
  noRecord,
  staleRecord,
  unknownService,
  unreachable,
} from "../errors.ts";

/** Shortest interval between reads of announcements, milliseconds: about a block. */
const ANNOUNCEMENTS_MS = 1_000;

/** Records that were announced on chain: a resolver's fallback. */
export interface AnnouncedRecords {
  /** The newest record of a root service in the chain's order. */
  announced(number: bigint): { encoded: Hex } | undefined;
  /** Reads the announcements since the last call. */
  refresh(): Promise<void>;
}

/** The result of a lookup. */
export interface FoundRecord {
  checked: VerifiedRecord;
  facts: ServiceFacts;
  source: AnswerSource;
  superseded: boolean;
}

/** Looks up a service on chain and in the record network concurrently, then in the announcements. */
export class RecordLookup {
  readonly #domain: Domain;
  readonly #directory: Directory;
  readonly #network: RecordNetwork;
  readonly #announcements: AnnouncedRecords;
  readonly #now: () => number;
  readonly #log: Logger;
  #refreshedAt = -Infinity;
  #refreshing: Promise<void> | undefined;

  constructor(
    options: { domain: Domain },
    dependencies: {
      directory: Directory;
      network: RecordNetwork;
      announcements: AnnouncedRecords;
      now: () => number;
      log: Logger;
    },
  ) {
    this.#domain = options.domain;
    this.#directory = dependencies.directory;
    this.#network = dependencies.network;
    this.#announcements = dependencies.announcements;
    this.#now = dependencies.now;
    this.#log = dependencies.log;
  }

  /**
   * Finds the record of a service.
   *
   * @param known.seen The newest record of it that was seen.
   * @param known.ask Whether to query the network although this node holds a record.
   * @throws BlockcloudError with a code of `resolveErrors`.
   */
  async find(
    serviceId: Hex,
    known: { seen: SeenRecord | undefined; ask: boolean },
    signal: AbortSignal,
  ): Promise<FoundRecord> {
    const number = numberOfId(serviceId);
    // An error of one ends the other.
    const over = new AbortController();
    const both = AbortSignal.any([signal, over.signal]);
    try {
      const [facts, { record, reached }] = await Promise.all([
        this.activeFacts(number, both),
        this.#record(serviceId, known.ask, both),
      ]);
      const fromNetwork = (checked: VerifiedRecord) =>
        ({ checked, facts, source: "coral", superseded: false }) as const;
      if (record !== undefined && this.holds(record, facts)) return fromNetwork(record);
      const announced = await this.#announced(serviceId, facts, known.seen, both);
      if (announced !== undefined) return announced;
      // A push may have arrived meanwhile.
      const late = this.#network.record(serviceId);
      if (late !== undefined && this.holds(late, facts)) return fromNetwork(late);
      throw this.#failure(serviceId, facts, reached, known.seen);
    } finally {
      over.abort();
    }
  }

  /**
   * The state of an active service on chain; the last known state if the chain cannot be read.
   *
   * @throws BlockcloudError `SERVICE_UNKNOWN`, `SERVICE_INACTIVE`, `RESOLVER_UNREACHABLE`.
   */
  async activeFacts(number: bigint, signal: AbortSignal): Promise<ServiceFacts> {
    let facts: ServiceFacts | undefined;
    try {
      facts = await this.#directory.facts(number, signal);
    } catch (cause) {
      signal.throwIfAborted();
      facts = this.#directory.knownFacts(number);
      if (facts === undefined)
        throw unreachable(`Service ${number} cannot be read from the chain.`, cause);
      this.#log.debug("the chain cannot be asked: known facts serve", { number, error: cause });
    }
    if (facts === undefined) throw unknownService(`${number}`);
    if (facts.status !== "Active") throw inactiveService(number, facts.status);
    return facts;
  }

  /** Whether a record that the network checked is valid now, and under the key in the facts. */
  holds({ record, signer, delegation }: VerifiedRecord, facts: ServiceFacts): boolean {
    const now = BigInt(Math.floor(this.#now()));
    const rootKey = getAddress(facts.key);
    if (record.expiresAt <= now) return false;
    if (delegation === undefined) return signer === rootKey;
    const upTo = this.#network.revokedUpTo(record.serviceId);
    if (delegation.expiresAt <= now || (upTo ?? -1n) >= delegation.issuedAt) return false;
    return readDelegation(record.serviceId, record.delegation, this.#domain).signer === rootKey;
  }

  /** A record of the network, and whether a peer could be asked. */
  async #record(
    serviceId: Hex,
    ask: boolean,
    signal: AbortSignal,
  ): Promise<{ record: VerifiedRecord | undefined; reached: boolean }> {
    const held = this.#network.record(serviceId);
    if (held !== undefined && !ask) return { record: held, reached: true };
    try {
      const found = await this.#network.find(serviceId, signal);
      const record = this.#network.record(serviceId) ?? found ?? held;
      return { record, reached: this.#network.peers > 0 };
    } catch (error) {
      signal.throwIfAborted();
      this.#log.debug("the record network cannot be asked", { serviceId, error });
      return { record: held, reached: false };
    }
  }

  async #announced(
    serviceId: Hex,
    facts: ServiceFacts,
    seen: SeenRecord | undefined,
    signal: AbortSignal,
  ): Promise<FoundRecord | undefined> {
    if (!isRootId(serviceId)) return undefined;
    await this.#refresh(signal);
    const encoded = this.#announcements.announced(facts.number)?.encoded;
    if (encoded === undefined) return undefined;
    try {
      const context = { domain: this.#domain, now: this.#now(), rootKey: facts.key };
      const checked = checkRecord(encoded, context);
      if (checked.record.serviceId.toLowerCase() !== serviceId) return undefined;
      const superseded =
        seen?.signer === checked.signer && seen.issuedAt > Number(checked.record.issuedAt);
      return { checked, facts, source: "announcement", superseded };
    } catch (error) {
      if (!(error instanceof BlockcloudError)) throw error;
      this.#log.debug("an announced record does not hold", { serviceId, error });
      return undefined;
    }
  }

  /** Reads announcements, shared among concurrent callers, and not more often than they can change. */
  async #refresh(signal: AbortSignal): Promise<void> {
    if (this.#refreshing === undefined && this.#now() - this.#refreshedAt < ANNOUNCEMENTS_MS)
      return;
    const refreshing = (this.#refreshing ??= this.#announcements
      .refresh()
      .catch((error: unknown) => {
        this.#log.warn("cannot read announcements", { error });
      })
      .finally(() => {
        this.#refreshing = undefined;
        this.#refreshedAt = this.#now();
      }));
    await raceSignal(refreshing, signal);
  }

  #failure(
    serviceId: Hex,
    facts: ServiceFacts,
    reached: boolean,
    seen: SeenRecord | undefined,
  ): BlockcloudError {
    const now = this.#now();
    if (!isRootId(serviceId)) {
      const granted = seen?.delegation;
      const revoked = this.#network.revokedUpTo(serviceId);
      const isTakenBack = revoked !== undefined && (granted?.issuedAt ?? 0n) <= revoked;
      if (isTakenBack || Number(granted?.expiresAt ?? Infinity) <= now) {
        return expiredDelegation(serviceId);
      }
    }
    if (reached) return noRecord(serviceId);
    // Records of a replaced key are void, so they do not count as newer ones.
    const isOwn =
      seen !== undefined && (seen.delegation !== undefined || seen.signer === facts.key);
    if (isOwn) return staleRecord(serviceId, seen.expiresAt);
    return unreachable(`No peer of the record network could be asked for ${serviceId}.`);
  }
}
