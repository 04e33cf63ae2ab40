import path from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Hex } from "viem";
import { deploymentTag, type Deployment } from "../../../chain/deployment.ts";
import { openStore, transaction } from "../../../node/store.ts";

/** An address and the service to which it belongs. */
export interface Mapping {
  address: number;
  serviceId: Hex;
  /** The last name under which it was asked for, in the form of `canonicalName`. */
  name: string;
  /** Unix seconds. */
  createdAt: number;
  usedAt: number;
  /** Whether a hosts file names it: then no DNS query tells that it is in use. */
  pinned: boolean;
}

const MIGRATIONS = [
  `CREATE TABLE mapping (
    address INTEGER PRIMARY KEY,
    service TEXT NOT NULL,
    name TEXT NOT NULL,
    created INTEGER NOT NULL,
    used INTEGER NOT NULL,
    pinned INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX mapping_service ON mapping (service);
  CREATE INDEX mapping_used ON mapping (used)`,
];

/** The file of a deployment's mappings: service IDs of two deployments have nothing to do with each other. */
export function mapStoreFile(stateDir: string, deployment: Deployment): string {
  return path.join(stateDir, `proxy-map-${deploymentTag(deployment)}.sqlite`);
}

/** Mappings on disk. Several processes may use the file at the same time. */
export class MapStore {
  readonly #database: DatabaseSync;
  readonly #ofService: StatementSync;
  readonly #list: StatementSync;
  readonly #oldest: StatementSync;
  readonly #put: StatementSync;
  readonly #use: StatementSync;
  readonly #pin: StatementSync;
  readonly #version: StatementSync;
  readonly #next: StatementSync;

  /** @param file Path, or `:memory:`. */
  constructor(file: string) {
    const database = openStore(file, MIGRATIONS);
    this.#database = database;
    const range = "address BETWEEN ? AND ?";
    this.#ofService = database.prepare(
      `SELECT * FROM mapping WHERE service = ? AND ${range} ORDER BY address LIMIT 1`,
    );
    this.#list = database.prepare(
      `SELECT * FROM mapping WHERE ${range} ORDER BY used DESC, address`,
    );
    // The lowest address that no service ever had: the first one, or one whose predecessor is taken.
    this.#next = database.prepare(
      `SELECT min(free) AS free FROM (
        SELECT ?1 AS free WHERE NOT EXISTS (SELECT 1 FROM mapping WHERE address = ?1)
        UNION ALL SELECT * FROM (
          SELECT address + 1 FROM mapping AS taken WHERE address >= ?1 AND address < ?2
            AND NOT EXISTS (SELECT 1 FROM mapping WHERE address = taken.address + 1)
          ORDER BY address LIMIT 1))`,
    );
    this.#oldest = database.prepare(
      `SELECT * FROM mapping WHERE ${range} AND used < ? AND pinned = 0 ORDER BY used LIMIT ?`,
    );
    this.#put = database.prepare(
      "INSERT OR REPLACE INTO mapping (address, service, name, created, used) VALUES (?, ?, ?, ?, ?)",
    );
    this.#use = database.prepare(
      "UPDATE mapping SET used = max(used, ?), name = ? WHERE address = ?",
    );
    this.#pin = database.prepare("UPDATE mapping SET pinned = ? WHERE address = ?");
    this.#version = database.prepare("PRAGMA data_version");
  }

  /** Runs a function in one transaction, which no other process's comes between. */
  together<T>(body: () => T): T {
    return transaction(this.#database, body);
  }

  ofService(serviceId: Hex, first: number, last: number): Mapping | undefined {
    const row = this.#ofService.get(serviceId, first, last);
    return row && mappingOf(row);
  }

  /** The mappings of a range, those that were used last first. */
  list(first: number, last: number): Mapping[] {
    return this.#list.all(first, last).map(mappingOf);
  }

  /** The lowest address that no service has had; undefined if all have been given. */
  nextFree(first: number, last: number): number | undefined {
    const free = this.#next.get(first, last)?.free;
    return typeof free === "number" ? free : undefined;
  }

  /** Some of those that were last used before a time, the oldest first, without pinned ones. */
  unusedSince(seconds: number, first: number, last: number, count: number): Mapping[] {
    return this.#oldest.all(first, last, seconds, count).map(mappingOf);
  }

  put({ address, serviceId, name, createdAt, usedAt }: Mapping): void {
    this.#put.run(address, serviceId, name, createdAt, usedAt);
  }

  used(address: number, name: string, seconds: number): void {
    this.#use.run(seconds, name, address);
  }

  pin(address: number, pinned: boolean): void {
    this.#pin.run(pinned ? 1 : 0, address);
  }

  /** Changes when another process has written to the file. */
  get version(): number {
    return Number(this.#version.get()?.data_version);
  }

  close(): void {
    this.#database.close();
  }
}

function mappingOf(row: Record<string, unknown>): Mapping {
  return {
    address: Number(row.address),
    serviceId: String(row.service) as Hex,
    name: String(row.name),
    createdAt: Number(row.created),
    usedAt: Number(row.used),
    pinned: row.pinned === 1,
  };
}
