import type { DatabaseSync, StatementSync } from "node:sqlite";
import { getAddress, type Address, type Hex } from "viem";
import type { Startable } from "../node/lifecycle.ts";
import type { Logger } from "../node/logger.ts";
import { openStore, transaction } from "../node/store.ts";
import type { Timers } from "../node/timers.ts";
import { bytesToHex, hexToBytes } from "../protocol/bytes.ts";
import type { MessageKind } from "./network.ts";

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

/** How long what was written may wait for others, to be committed together, milliseconds. */
const GROUP_MS = 50;
/** How long a write that failed waits before it is tried again, milliseconds. */
const RETRY_MS = 5_000;
/** How often what has run out is deleted, milliseconds. */
const PRUNE_MS = 10 * 60_000;

/** The newest version that was ever taken in of something, by one signer. */
export interface Floor {
  kind: MessageKind;
  place: Hex;
  signer: Address;
  /** Service number of the root. */
  number: bigint;
  /** Unix milliseconds. */
  issuedAt: bigint;
  digest: Hex;
  /** Unix milliseconds from which on nothing at or below the floor can be valid. */
  forgetAt: number;
}

/** A revocation as it is kept: as long as a delegation that it takes back could run. */
export interface StoredRevocation {
  serviceId: Hex;
  /** The root's key that signed it: it counts as long as that key does. */
  signer: Address;
  /** Unix milliseconds. */
  issuedAt: bigint;
  /** Unix milliseconds. */
  expiresAt: bigint;
  encoded: Hex;
}

/**
 * What a node must remember over a restart: version floors and revocations. Reads see every write at once;
 * writes reach the disk in groups, so that a crash forgets the last fraction of a second at most.
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

  /** The floor of something by a signer; undefined where none is known, or none is needed any more. */
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

  /** Sets a floor. Only what was checked in full may raise one: whoever signs nothing valid adds no row. */
  raise(floor: Floor): void {
    const known = this.floor(floor.kind, floor.place, floor.signer) !== undefined;
    if (!known) this.#counts.set(floor.number, this.floorsOf(floor.number) + 1);
    this.#floors.set(floorKey(floor), floor);
    this.#written.resolve(undefined);
  }

  /** How many floors are kept for a root service and all below it. */
  floorsOf(number: bigint): number {
    return this.#counts.get(number) ?? 0;
  }

  /** The newest revocation of what was delegated to a service, while it is in force. */
  revocation(serviceId: Hex): StoredRevocation | undefined {
    const found = this.#revocations.get(serviceId) ?? this.#storedRevocation(serviceId);
    return found !== undefined && Number(found.expiresAt) > this.#now() ? found : undefined;
  }

  keepRevocation(revocation: StoredRevocation): void {
    this.#revocations.set(revocation.serviceId, revocation);
    this.#written.resolve(undefined);
  }

  /** Commits what waits. */
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

  /** Deletes what has run out. */
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

  /** What could not be written stays in memory, and is tried again with what follows. */
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

/** The loops end by their own condition. */
function ignoreAbort(): void {}
