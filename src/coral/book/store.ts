import type { DatabaseSync, StatementSync } from "node:sqlite";
import { getAddress, type Address, type Hex } from "viem";
import type { Startable } from "../../node/lifecycle.ts";
import type { Logger } from "../../node/logger.ts";
import { openStore, transaction } from "../../node/store.ts";
import type { Timers } from "../../node/timers.ts";
import { bytesToHex, hexToBytes } from "../../protocol/bytes.ts";
import type { MessageKind } from "../network.ts";

const migrations = [
  `CREATE TABLE floors (
     kind TEXT NOT NULL,
     place BLOB NOT NULL,
     signer BLOB NOT NULL,
     root TEXT NOT NULL,
     issued_at INTEGER NOT NULL,
     digest BLOB NOT NULL,
     forget_at INTEGER NOT NULL,
     PRIMARY KEY (kind, place, signer)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX floors_by_end ON floors (forget_at);
   CREATE TABLE revocations (
     service BLOB PRIMARY KEY,
     signer BLOB NOT NULL,
     issued_at INTEGER NOT NULL,
     expires_at INTEGER NOT NULL,
     encoded BLOB NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX revocations_by_end ON revocations (expires_at);`,
];

/** How long a write may wait to be committed together with others, milliseconds. */
const GROUP_MS = 50;
/** Delay before a failed write is tried again, milliseconds. */
const RETRY_MS = 5_000;
/** Interval between deletions of expired rows, milliseconds. */
const PRUNE_MS = 10 * 60_000;

/** The newest version that was ever accepted for a place from one signer. */
export interface Floor {
  kind: MessageKind;
  place: Hex;
  signer: Address;
  /** Service number of the root. */
  number: bigint;
  /** Unix milliseconds. */
  issuedAt: bigint;
  digest: Hex;
  /** From this time on no version at or below the floor can be valid, Unix milliseconds. */
  forgetAt: number;
}

/** A stored revocation. It is kept as long as a delegation that it revokes could be valid. */
export interface StoredRevocation {
  serviceId: Hex;
  /** The root's key that signed it. The revocation is valid as long as that key is. */
  signer: Address;
  /** Unix milliseconds. */
  issuedAt: bigint;
  /** Unix milliseconds. */
  expiresAt: bigint;
  encoded: Hex;
}

/**
 * The state that a node must keep across a restart: version floors and revocations. Reads see every write at
 * once. Writes reach the disk in groups, so a crash loses at most the last fraction of a second.
 */
export class CoralStore implements Startable {
  readonly #database: DatabaseSync;
  readonly #now: () => number;
  readonly #timers: Timers;
  readonly #log: Logger;
  readonly #floors = new Map<string, Floor>();
  readonly #revocations = new Map<Hex, StoredRevocation>();
  readonly #counts = new Map<bigint, number>();
  readonly #readFloor: StatementSync;
  readonly #writeFloor: StatementSync;
  readonly #readRevocation: StatementSync;
  readonly #writeRevocation: StatementSync;
  readonly #stopping = new AbortController();
  #written = Promise.withResolvers<undefined>();
  #loops: Promise<unknown> = Promise.resolve();

  /** @param options.file Path, or `:memory:`. */
  constructor(
    options: { file: string },
    dependencies: { now: () => number; timers: Timers; log: Logger },
  ) {
    this.#now = dependencies.now;
    this.#timers = dependencies.timers;
    this.#log = dependencies.log;
    const database = openStore(options.file, migrations);
    this.#database = database;
    this.#readFloor = database.prepare(
      "SELECT root, issued_at, digest, forget_at FROM floors WHERE kind = ? AND place = ? AND signer = ?",
    );
    this.#writeFloor = database.prepare(
      "INSERT OR REPLACE INTO floors VALUES (?, ?, ?, ?, ?, ?, ?)",
    );
    this.#readRevocation = database.prepare(
      "SELECT signer, issued_at, expires_at, encoded FROM revocations WHERE service = ?",
    );
    this.#writeRevocation = database.prepare(
      "INSERT OR REPLACE INTO revocations VALUES (?, ?, ?, ?, ?)",
    );
    this.#count();
  }

  start(): Promise<void> {
    this.prune();
    this.#loops = Promise.all([this.#flushing(), this.#pruning()]);
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loops;
    this.flush();
    this.#database.close();
  }

  /** The floor of a place for a signer; undefined if none is known, or if it is no longer needed. */
  floor(kind: MessageKind, place: Hex, signer: Address): Floor | undefined {
    const pending = this.#floors.get(floorKey({ kind, place, signer }));
    if (pending !== undefined) return pending;
    const row = this.#readFloor.get(kind, hexToBytes(place), hexToBytes(signer));
    if (row === undefined || Number(row.forget_at) <= this.#now()) return undefined;
    return {
      kind,
      place,
      signer,
      number: BigInt(String(row.root)),
      issuedAt: BigInt(Number(row.issued_at)),
      digest: bytesToHex(row.digest as Uint8Array),
      forgetAt: Number(row.forget_at),
    };
  }

  /**
   * Sets a floor. Call it only for fully checked messages, so that a peer without a valid signature cannot
   * add rows.
   */
  raise(floor: Floor): void {
    const known = this.floor(floor.kind, floor.place, floor.signer) !== undefined;
    if (!known) this.#counts.set(floor.number, this.floorsOf(floor.number) + 1);
    this.#floors.set(floorKey(floor), floor);
    this.#written.resolve(undefined);
  }

  /** The number of floors of a root service and its sub-services. */
  floorsOf(number: bigint): number {
    return this.#counts.get(number) ?? 0;
  }

  /** The newest revocation of delegations to a service, while it is in force. */
  revocation(serviceId: Hex): StoredRevocation | undefined {
    const found = this.#revocations.get(serviceId) ?? this.#storedRevocation(serviceId);
    return found !== undefined && Number(found.expiresAt) > this.#now() ? found : undefined;
  }

  keepRevocation(revocation: StoredRevocation): void {
    this.#revocations.set(revocation.serviceId, revocation);
    this.#written.resolve(undefined);
  }

  /** Commits the pending writes. */
  flush(): void {
    if (this.#floors.size + this.#revocations.size === 0) return;
    transaction(this.#database, () => {
      for (const floor of this.#floors.values()) {
        const { kind, place, signer, number, issuedAt, digest, forgetAt } = floor;
        this.#writeFloor.run(
          ...[kind, hexToBytes(place), hexToBytes(signer), number.toString()],
          ...[Number(issuedAt), hexToBytes(digest), forgetAt],
        );
      }
      for (const {
        serviceId,
        signer,
        issuedAt,
        expiresAt,
        encoded,
      } of this.#revocations.values()) {
        this.#writeRevocation.run(
          ...[hexToBytes(serviceId), hexToBytes(signer)],
          ...[Number(issuedAt), Number(expiresAt), hexToBytes(encoded)],
        );
      }
    });
    this.#floors.clear();
    this.#revocations.clear();
  }

  /** Deletes expired rows. */
  prune(): void {
    this.flush();
    const now = Math.floor(this.#now());
    this.#database.prepare("DELETE FROM floors WHERE forget_at <= ?").run(now);
    this.#database.prepare("DELETE FROM revocations WHERE expires_at <= ?").run(now);
    this.#count();
  }

  #storedRevocation(serviceId: Hex): StoredRevocation | undefined {
    const row = this.#readRevocation.get(hexToBytes(serviceId));
    return (
      row && {
        serviceId,
        signer: getAddress(bytesToHex(row.signer as Uint8Array)),
        issuedAt: BigInt(Number(row.issued_at)),
        expiresAt: BigInt(Number(row.expires_at)),
        encoded: bytesToHex(row.encoded as Uint8Array),
      }
    );
  }

  #count(): void {
    this.#counts.clear();
    const rows = this.#database
      .prepare("SELECT root, count(*) AS n FROM floors GROUP BY root")
      .all();
    for (const { root, n } of rows) this.#counts.set(BigInt(String(root)), Number(n));
  }

  async #flushing(): Promise<void> {
    const { signal } = this.#stopping;
    const stopped = new Promise<undefined>((resolve) => {
      signal.addEventListener("abort", () => {
        resolve(undefined);
      });
    });
    let failed = false;
    while (!signal.aborted) {
      await Promise.race([this.#written.promise, stopped]);
      await this.#timers.sleep(failed ? RETRY_MS : GROUP_MS, signal).catch(ignoreAbort);
      this.#written = Promise.withResolvers();
      failed = !this.#try(() => {
        this.flush();
      });
    }
  }

  async #pruning(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#timers.sleep(PRUNE_MS, signal).catch(ignoreAbort);
      if (signal.aborted) return;
      this.#try(() => {
        this.prune();
      });
    }
  }

  /** Rows that could not be written stay in memory, and are tried again with the next writes. */
  #try(write: () => void): boolean {
    try {
      write();
      return true;
    } catch (error) {
      this.#log.error("the record network's state cannot be written", { error });
      this.#written.resolve(undefined);
      return false;
    }
  }
}

function floorKey({ kind, place, signer }: Pick<Floor, "kind" | "place" | "signer">): string {
  return `${kind}:${place}:${signer}`;
}

/** An abort needs no handling: the loops end by their own condition. */
function ignoreAbort(): void {}
