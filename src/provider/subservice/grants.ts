import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Hex } from "viem";
import type { MessageKind } from "../../coral/network.ts";
import { transaction } from "../../node/store.ts";

/** A root service's delegation to a sub-service, with its name. Times are Unix milliseconds. */
export interface Grant {
  serviceId: Hex;
  /** Its name under the root's label; undefined for none. */
  label: string | undefined;
  delegation: Hex;
  issuedAt: number;
  expiresAt: number;
  /** When it was revoked; undefined if it was not. */
  revokedAt: number | undefined;
}

/** A signed message that the agent keeps published until it expires: a name record or a revocation. */
export interface Notice {
  /** Its key in the network; a newer notice replaces one with the same key. */
  key: Hex;
  kind: Exclude<MessageKind, "endpoint">;
  encoded: Hex;
  /** Unix milliseconds. */
  expiresAt: number;
}

/** The sub-services of one root on disk: their delegations, and the notices to publish. */
export class Grants {
  readonly #database: DatabaseSync;
  readonly #due: StatementSync;

  /** @param database A provider's store. */
  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#due = database.prepare(
      `SELECT * FROM notices WHERE published_at <= ? AND expires_at > ?
       ORDER BY published_at, key LIMIT ?`,
    );
  }

  /** Writes a grant and its notices in one transaction. */
  save(grant: Grant, notices: readonly Notice[]): void {
    transaction(this.#database, () => {
      this.#database
        .prepare(
          `INSERT OR REPLACE INTO grants
             (service_id, label, delegation, issued_at, expires_at, revoked_at)
           VALUES (?, ?, ?, ?, ?, ?)`,
        )
        .run(
          grant.serviceId,
          grant.label ?? null,
          grant.delegation,
          grant.issuedAt,
          grant.expiresAt,
          grant.revokedAt ?? null,
        );
      const insert = this.#database.prepare(
        `INSERT OR REPLACE INTO notices (key, kind, encoded, expires_at) VALUES (?, ?, ?, ?)`,
      );
      for (const { key, kind, encoded, expiresAt } of notices) {
        insert.run(key, kind, encoded, expiresAt);
      }
    });
  }

  /** All grants, the newest first. */
  list(): Grant[] {
    return this.#database
      .prepare("SELECT * FROM grants ORDER BY issued_at DESC, service_id")
      .all()
      .map(toGrant);
  }

  /** By service ID or by label. */
  find(name: string): Grant | undefined {
    const row = this.#database
      .prepare("SELECT * FROM grants WHERE service_id = ?1 OR label = ?1")
      .get(name.toLowerCase());
    return row && toGrant(row);
  }

  /**
   * The notices to publish: new ones at once, others when their last publication is `everyMs` ago. It is
   * called many times a second, and writes nothing.
   *
   * @param now Unix milliseconds.
   */
  due(now: number, everyMs: number, limit: number): Notice[] {
    return this.#due.all(now - everyMs, now, limit).map((row) => ({
      key: row.key as Hex,
      kind: row.kind as Notice["kind"],
      encoded: row.encoded as Hex,
      expiresAt: Number(row.expires_at),
    }));
  }

  /** Notes that a notice was published; a newer one with its key is still due. Deletes expired notices. */
  published(notice: Notice, now: number): void {
    this.#database
      .prepare("UPDATE notices SET published_at = ? WHERE key = ? AND encoded = ?")
      .run(now, notice.key, notice.encoded);
    this.#database.prepare("DELETE FROM notices WHERE expires_at <= ?").run(now);
  }
}

function toGrant(row: Record<string, unknown>): Grant {
  return {
    serviceId: row.service_id as Hex,
    label: typeof row.label === "string" ? row.label : undefined,
    delegation: row.delegation as Hex,
    issuedAt: Number(row.issued_at),
    expiresAt: Number(row.expires_at),
    revokedAt: row.revoked_at === null ? undefined : Number(row.revoked_at),
  };
}
