import path from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Hex } from "viem";
import * as z from "zod";
import { deploymentTag, type Deployment } from "../chain/deployment.ts";
import { openStore, transaction } from "../node/store.ts";
import { Grants } from "./subservice/grants.ts";

const migrations = [
  `CREATE TABLE versions (service_id TEXT PRIMARY KEY, issued_at INTEGER NOT NULL) STRICT;
   CREATE TABLE moves (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     uri TEXT,
     listen TEXT,
     outcome TEXT
   ) STRICT;
   CREATE TABLE grants (
     service_id TEXT PRIMARY KEY,
     label TEXT UNIQUE,
     delegation TEXT NOT NULL,
     issued_at INTEGER NOT NULL,
     expires_at INTEGER NOT NULL,
     revoked_at INTEGER
   ) STRICT;
   CREATE TABLE notices (
     key TEXT PRIMARY KEY,
     kind TEXT NOT NULL,
     encoded TEXT NOT NULL,
     expires_at INTEGER NOT NULL,
     published_at INTEGER NOT NULL DEFAULT 0
   ) STRICT;`,
  // A move that no agent had taken has no time in the older format, so it counts as expired.
  `ALTER TABLE moves ADD COLUMN expires_at INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE moves ADD COLUMN taken INTEGER NOT NULL DEFAULT 0;
   UPDATE moves SET taken = 1 WHERE outcome IS NOT NULL;`,
  "ALTER TABLE moves ADD COLUMN grace_ms INTEGER;",
];

/** A move that failed for good; one that the agent tries again is in force. */
const FAILED = "json_extract(outcome, '$.code') IS NOT NULL AND NOT outcome ->> '$.again'";

const listenSchema = z.object({ host: z.string(), port: z.number() });
const outcomeSchema = z.union([
  z.object({
    uris: z.array(z.string()),
    issuedAt: z.number(),
    peers: z.number(),
    /** Time from the request to the pushed record, milliseconds. */
    milliseconds: z.number(),
    /** How long the old gateway stays open, milliseconds; undefined if the gateway did not move. */
    graceMs: z.number().optional(),
  }),
  z.object({
    code: z.string(),
    message: z.string(),
    /** Whether the agent keeps the move and tries again. */
    again: z.boolean().default(false),
  }),
]);

/** The outcome of a move: the new record, or an error. */
export type MoveOutcome = z.infer<typeof outcomeSchema>;

/** The requested URL of a service, and the requested address of its gateway. */
export interface MoveWish {
  /** Undefined: the address at which the gateway listens. */
  uri: string | undefined;
  /** Undefined: the current address. */
  listen: { host: string; port: number } | undefined;
  /** How long the old gateway stays open, milliseconds; undefined: as long as the agent's settings say. */
  graceMs?: number | undefined;
}

export interface Move extends MoveWish {
  id: number;
  outcome: MoveOutcome | undefined;
}

/**
 * A provider's state on disk, and the requests of commands to its agent: versions of its records, moves, and
 * grants to sub-services. Agent and commands use it at the same time.
 */
export class ProviderStore {
  readonly grants: Grants;
  readonly #database: DatabaseSync;
  readonly #version: StatementSync;
  #seen: unknown;

  /** @param file Path, or `:memory:`. */
  constructor(file: string) {
    this.#database = openStore(file, migrations);
    this.#version = this.#database.prepare("PRAGMA data_version");
    this.grants = new Grants(this.#database);
  }

  close(): void {
    this.#database.close();
  }

  /**
   * The version of the next record: at least `least`, and above all earlier ones. It is on disk when the call
   * returns, so a restarted agent never signs an older version.
   *
   * @returns Unix milliseconds.
   */
  raiseVersion(serviceId: Hex, least: number): number {
    const row = this.#database
      .prepare(
        `INSERT INTO versions VALUES (?, ?)
         ON CONFLICT DO UPDATE SET issued_at = max(issued_at + 1, excluded.issued_at)
         RETURNING issued_at`,
      )
      .get(serviceId, least);
    return Number(row?.issued_at);
  }

  /**
   * Tells the agent to move; one that no agent took yet is given up. The move before stays in force until the
   * new one is done.
   *
   * @param expiresAt Until when an agent may take it, Unix milliseconds.
   * @returns The move's ID.
   */
  requestMove(wish: MoveWish, expiresAt: number): number {
    const listen = wish.listen === undefined ? null : JSON.stringify(wish.listen);
    return transaction(this.#database, () => {
      this.#database.exec(`DELETE FROM moves WHERE taken = 0 OR (${FAILED})`);
      const result = this.#database
        .prepare("INSERT INTO moves (uri, listen, expires_at, grace_ms) VALUES (?, ?, ?, ?)")
        .run(wish.uri ?? null, listen, Math.ceil(expiresAt), wish.graceMs ?? null);
      return Number(result.lastInsertRowid);
    });
  }

  /**
   * The move in force: the last one that an agent has taken, or may take.
   *
   * @param now Unix milliseconds.
   */
  move(now: number): Move | undefined {
    return moveOf(
      this.#database
        .prepare(
          `SELECT * FROM moves WHERE (taken = 1 OR expires_at > ?) AND (outcome IS NULL OR NOT (${FAILED}))
           ORDER BY id DESC`,
        )
        .get(now),
    );
  }

  /** A move by its ID, also one that failed; undefined when another took its place. */
  requestedMove(id: number): Move | undefined {
    const row = this.#database.prepare("SELECT * FROM moves WHERE id = ?").get(id);
    return moveOf(row);
  }

  /** Takes a move, so that it cannot be withdrawn any more; false when it was. */
  takeMove(id: number): boolean {
    return this.#database.prepare("UPDATE moves SET taken = 1 WHERE id = ?").run(id).changes > 0;
  }

  /** Takes back a move that no agent has taken; false when one has. */
  withdrawMove(id: number): boolean {
    const deleted = this.#database.prepare("DELETE FROM moves WHERE id = ? AND taken = 0").run(id);
    return deleted.changes > 0;
  }

  /** Says what became of a move. One that is done takes the place of all before it. */
  concludeMove(id: number, outcome: MoveOutcome): void {
    transaction(this.#database, () => {
      this.#database
        .prepare("UPDATE moves SET outcome = ? WHERE id = ?")
        .run(JSON.stringify(outcome), id);
      if ("code" in outcome && !outcome.again) return;
      this.#database.prepare("DELETE FROM moves WHERE id < ?").run(id);
    });
  }

  /** Removes the moves: the endpoint of the agent's flags applies again. */
  forgetMove(): void {
    this.#database.exec("DELETE FROM moves");
  }

  /** Whether another process has written since the last call. */
  changed(): boolean {
    const version = this.#version.get()?.data_version;
    const isNew = version !== this.#seen;
    this.#seen = version;
    return isNew;
  }
}

function moveOf(row: Record<string, unknown> | undefined): Move | undefined {
  if (row === undefined) return undefined;
  const { id, uri, listen, outcome, grace_ms: graceMs } = row;
  return {
    id: Number(id),
    uri: typeof uri === "string" ? uri : undefined,
    listen: typeof listen === "string" ? listenSchema.parse(JSON.parse(listen)) : undefined,
    graceMs: typeof graceMs === "number" ? graceMs : undefined,
    outcome: typeof outcome === "string" ? outcomeSchema.parse(JSON.parse(outcome)) : undefined,
  };
}

/** The file of a service in the state folder. */
export function providerStoreFile(state: string, deployment: Deployment, number: bigint): string {
  return path.join(state, `provider-${number}-${deploymentTag(deployment)}.sqlite`);
}
