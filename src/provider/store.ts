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
];

const listenSchema = z.object({ host: z.string(), port: z.number() });
const outcomeSchema = z.union([
  z.object({
    uris: z.array(z.string()),
    issuedAt: z.number(),
    peers: z.number(),
    /** Time from the request to the pushed record, milliseconds. */
    milliseconds: z.number(),
  }),
  z.object({ code: z.string(), message: z.string() }),
]);

/** The outcome of a move: the new record, or an error. */
export type MoveOutcome = z.infer<typeof outcomeSchema>;

/** The requested URL of a service, and the requested address of its gateway. */
export interface MoveWish {
  /** Undefined: the address at which the gateway listens. */
  uri: string | undefined;
  /** Undefined: the current address. */
  listen: { host: string; port: number } | undefined;
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

  /** Requests a move from the agent; it replaces a pending one. Returns the move's ID. */
  requestMove(wish: MoveWish): number {
    const listen = wish.listen === undefined ? null : JSON.stringify(wish.listen);
    return transaction(this.#database, () => {
      this.#database.exec("DELETE FROM moves");
      const result = this.#database
        .prepare("INSERT INTO moves (uri, listen) VALUES (?, ?)")
        .run(wish.uri ?? null, listen);
      return Number(result.lastInsertRowid);
    });
  }

  /** The last requested move. */
  move(): Move | undefined {
    const row = this.#database.prepare("SELECT * FROM moves ORDER BY id DESC").get();
    if (row === undefined) return undefined;
    const { id, uri, listen, outcome } = row;
    return {
      id: Number(id),
      uri: typeof uri === "string" ? uri : undefined,
      listen: typeof listen === "string" ? listenSchema.parse(JSON.parse(listen)) : undefined,
      outcome: typeof outcome === "string" ? outcomeSchema.parse(JSON.parse(outcome)) : undefined,
    };
  }

  /** Records the outcome of a move. */
  concludeMove(id: number, outcome: MoveOutcome): void {
    this.#database
      .prepare("UPDATE moves SET outcome = ? WHERE id = ?")
      .run(JSON.stringify(outcome), id);
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

/** The file of a service in the state folder. */
export function providerStoreFile(state: string, deployment: Deployment, number: bigint): string {
  return path.join(state, `provider-${number}-${deploymentTag(deployment)}.sqlite`);
}
