import { existsSync } from "node:fs";
import path from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { Address, Hex } from "viem";
import { deploymentTag, type Deployment } from "../chain/deployment.ts";
import { openStore, transaction } from "../node/store.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import type { Chunk, Evidence } from "../protocol/round.ts";
import { transports, type Transport } from "../protocol/transport.ts";

const migrations = [
  `CREATE TABLE rounds (
     epoch INTEGER PRIMARY KEY,
     secret TEXT NOT NULL,
     y TEXT NOT NULL,
     chunks TEXT NOT NULL,
     votes INTEGER NOT NULL,
     claimed INTEGER NOT NULL DEFAULT 0
   ) STRICT;
   CREATE TABLE evidence (
     epoch INTEGER NOT NULL REFERENCES rounds(epoch) ON DELETE CASCADE,
     number TEXT NOT NULL,
     salt TEXT NOT NULL,
     channel TEXT NOT NULL,
     issued_at TEXT NOT NULL,
     signature TEXT NOT NULL,
     PRIMARY KEY (epoch, number)
   ) STRICT;`,
  // Rounds of earlier versions may have been sent.
  `ALTER TABLE rounds ADD COLUMN sent INTEGER NOT NULL DEFAULT 1;`,
  // In earlier versions a service's slot was its number.
  `ALTER TABLE evidence ADD COLUMN slot INTEGER NOT NULL DEFAULT 0;
   UPDATE evidence SET slot = CAST(number AS INTEGER);`,
  // Of earlier rounds it is not known.
  `ALTER TABLE evidence ADD COLUMN transport TEXT;`,
];

/** Evidence for the vote on the service in a slot. */
export interface SlotEvidence extends Evidence {
  slot: number;
  /** The transport over which the receipt was given. */
  transport?: Transport;
}

/** A committed round. */
export interface StoredRound {
  epoch: number;
  secret: Hex;
  /** The key `y` of the draw. */
  y: Hex;
  chunks: Chunk[];
  evidence: SlotEvidence[];
  votes: number;
}

/**
 * Rounds of one auditor on disk. A whole round is written before its commitment is sent, and never changed, so a
 * restarted auditor reveals and claims exactly the round that it committed to. Its steps are `save`, `markSent`,
 * `discard`, `markClaimed` and `prune`; each is completely on disk when the call returns.
 */
export class AuditorStore {
  readonly #database: DatabaseSync;

  /** @param file Path, or `:memory:`. */
  constructor(file: string) {
    this.#database = openStore(file, migrations);
    this.#database.exec("PRAGMA foreign_keys=ON");
  }

  close(): void {
    this.#database.close();
  }

  /** Writes a round; throws if there is already one of the epoch. */
  save(round: StoredRound): void {
    const chunks = JSON.stringify(round.chunks, (_, value: unknown) =>
      typeof value === "bigint" ? `0x${value.toString(16)}` : value,
    );
    transaction(this.#database, () => {
      this.#database
        .prepare(
          "INSERT INTO rounds (epoch, secret, y, chunks, votes, sent) VALUES (?, ?, ?, ?, ?, 0)",
        )
        .run(round.epoch, round.secret, round.y, chunks, round.votes);
      const insert = this.#database.prepare("INSERT INTO evidence VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
      for (const item of round.evidence) {
        insert.run(
          round.epoch,
          item.number.toString(),
          item.salt,
          item.channel,
          item.issuedAt.toString(),
          item.signature,
          item.slot,
          item.transport ?? null,
        );
      }
    });
  }

  /** The round of an epoch. */
  round(epoch: number): StoredRound | undefined {
    const row = this.#database.prepare("SELECT * FROM rounds WHERE epoch = ?").get(epoch);
    if (row === undefined) return undefined;
    const chunks = JSON.parse(text(row, "chunks")) as {
      index: number;
      base: number;
      words: string[];
    }[];
    return {
      epoch,
      secret: text(row, "secret") as Hex,
      y: text(row, "y") as Hex,
      votes: Number(row.votes),
      chunks: chunks.map((chunk) => ({ ...chunk, words: chunk.words.map(BigInt) })),
      evidence: this.#evidence(epoch),
    };
  }

  /** Records, before the sending, that a round's commitment is sent: afterwards no other one may be. */
  markSent(epoch: number): void {
    this.#database.prepare("UPDATE rounds SET sent = 1 WHERE epoch = ?").run(epoch);
  }

  /** Whether a round's commitment may have been sent. */
  isSent(epoch: number): boolean {
    return this.#database.prepare("SELECT sent FROM rounds WHERE epoch = ?").get(epoch)?.sent === 1;
  }

  /** Deletes a round whose commitment was never sent; a round that may have been sent stays. */
  discard(epoch: number): void {
    this.#database.prepare("DELETE FROM rounds WHERE epoch = ? AND sent = 0").run(epoch);
  }

  /** Epochs from `first` to `last` whose round is not known to be claimed, oldest first. */
  unclaimed(first: number, last: number): number[] {
    return this.#database
      .prepare(
        "SELECT epoch FROM rounds WHERE claimed = 0 AND epoch BETWEEN ? AND ? ORDER BY epoch",
      )
      .all(first, last)
      .map((row) => Number(row.epoch));
  }

  /** Records that a round is completely claimed. */
  markClaimed(epoch: number): void {
    this.#database.prepare("UPDATE rounds SET claimed = 1 WHERE epoch = ?").run(epoch);
  }

  /** Deletes rounds that can never be claimed again. */
  prune(before: number): void {
    this.#database.prepare("DELETE FROM rounds WHERE epoch < ?").run(before);
  }

  #evidence(epoch: number): SlotEvidence[] {
    return this.#database
      .prepare("SELECT * FROM evidence WHERE epoch = ? ORDER BY rowid")
      .all(epoch)
      .map((row) => {
        const transport = transports.find((each) => each === row.transport);
        return {
          number: BigInt(text(row, "number")),
          salt: text(row, "salt") as Hex,
          channel: text(row, "channel") as Hex,
          issuedAt: BigInt(text(row, "issued_at")),
          signature: text(row, "signature") as Hex,
          slot: Number(row.slot),
          ...(transport && { transport }),
        };
      });
  }
}

function text(row: Record<string, unknown>, column: string): string {
  const value = row[column];
  if (typeof value !== "string") throw new TypeError(`Column ${column} does not contain text.`);
  return value;
}

/**
 * Where an auditor's rounds on a deployment are kept.
 *
 * @throws BlockcloudError `STATE_UNKEYED` if there is a file of an earlier version, which does not say which
 *   deployment its rounds are of: they must not be lost, nor taken for those of another one.
 */
export function auditorStoreFile(
  stateDir: string,
  auditor: Address,
  deployment: Deployment,
): string {
  const file = path.join(stateDir, `auditor-${auditor}-${deploymentTag(deployment)}.sqlite`);
  const unkeyed = path.join(stateDir, `auditor-${auditor}.sqlite`);
  if (existsSync(unkeyed) && !existsSync(file)) {
    throw new BlockcloudError(
      "STATE_UNKEYED",
      `${unkeyed} does not name the deployment of its rounds.`,
      {
        remedy: `If this auditor ran on this deployment only, rename it, and its -wal file if there is one, to ${path.basename(file)}; else move it away.`,
      },
    );
  }
  return file;
}
