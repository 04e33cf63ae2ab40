import path from "node:path";
import type { DatabaseSync } from "node:sqlite";
import * as z from "zod";
import { openStore, transaction } from "../../node/store.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { formatPrefix, parsePrefix } from "./prefix.ts";
import { actionSchema, checkExclusive, type Rule, type RuleSpec } from "./rule.ts";
import type { NumberedRule } from "./serviceTable.ts";

/** Largest number of rules at one prefix, and in total. */
const MAX_AT_PREFIX = 64;
const MAX_RULES = 1_000_000;

const migrations = [
  `CREATE TABLE rules (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     prefix TEXT NOT NULL,
     priority INTEGER NOT NULL,
     weight INTEGER NOT NULL,
     action TEXT NOT NULL,
     UNIQUE (prefix, priority, action)
   ) STRICT;
   CREATE TABLE counters (
     rule INTEGER PRIMARY KEY,
     matches INTEGER NOT NULL,
     drops INTEGER NOT NULL
   ) STRICT;
   CREATE TABLE state (
     id INTEGER PRIMARY KEY CHECK (id = 1),
     revision INTEGER NOT NULL,
     flushed_at INTEGER
   ) STRICT;
   INSERT INTO state VALUES (1, 0, NULL);`,
];

const uint16 = z.number().int().min(0).max(65_535);
const rowSchema = z.object({
  id: z.number().int().positive(),
  prefix: z.string(),
  priority: uint16,
  weight: uint16,
  action: z.string().max(16_384),
  matches: z.number().int().nonnegative().nullable().default(null),
  drops: z.number().int().nonnegative().nullable().default(null),
});

/** A rule's counters, summed over all processes. */
export interface Counted {
  matches: number;
  drops: number;
}

/** The file of the service table in a state folder; all deployments share it. */
export function tableFile(stateDir: string): string {
  return path.join(stateDir, "service-table.sqlite");
}

/** The service table on disk: `blockcloud table` writes rules, a resolver reads them and writes counters. */
export class TableStore {
  readonly #database: DatabaseSync;
  readonly #dataVersion;

  /** @param file Path, or `:memory:`. */
  constructor(file: string) {
    this.#database = openStore(file, migrations);
    this.#dataVersion = this.#database.prepare("PRAGMA data_version");
  }

  close(): void {
    this.#database.close();
  }

  /**
   * Adds a rule; an existing rule gets the new weight.
   *
   * @returns Its number.
   * @throws BlockcloudError `RULE_EXCLUSIVE`, `TABLE_FULL`.
   */
  add(spec: RuleSpec): number {
    const prefix = formatPrefix(spec.prefix);
    const { priority, weight } = spec;
    const action = JSON.stringify(spec.action);
    return transaction(this.#database, () => {
      const same = this.#get(
        "SELECT id FROM rules WHERE prefix = ? AND priority = ? AND action = ?",
        ...[prefix, priority, action],
      );
      if (same !== undefined) {
        this.#run("UPDATE rules SET weight = ? WHERE id = ?", weight, Number(same.id));
        this.#changed();
        return Number(same.id);
      }
      const others = this.#rows("WHERE prefix = ?", prefix);
      checkExclusive(spec, others);
      const { count } = this.#get("SELECT count(*) AS count FROM rules") ?? {};
      if (others.length >= MAX_AT_PREFIX || Number(count) >= MAX_RULES) {
        throw new BlockcloudError("TABLE_FULL", `${others.length} rules at ${prefix}.`, {
          remedy: `The limit is ${MAX_AT_PREFIX} rules per prefix and ${MAX_RULES} per table: remove some first.`,
        });
      }
      const insert = "INSERT INTO rules (prefix, priority, weight, action) VALUES (?, ?, ?, ?)";
      const { lastInsertRowid } = this.#run(insert, prefix, priority, weight, action);
      this.#changed();
      return Number(lastInsertRowid);
    });
  }

  /** Removes a rule by its number, or all rules at a prefix. Returns the numbers of those removed. */
  remove(which: number | RuleSpec["prefix"]): number[] {
    return transaction(this.#database, () => {
      const found =
        typeof which === "number"
          ? this.#rows("WHERE id = ?", which)
          : this.#rows("WHERE prefix = ?", formatPrefix(which));
      for (const { id } of found) {
        this.#run("DELETE FROM rules WHERE id = ?", id);
        this.#run("DELETE FROM counters WHERE rule = ?", id);
      }
      if (found.length > 0) this.#changed();
      return found.map(({ id }) => id);
    });
  }

  /**
   * All rules by number.
   *
   * @throws BlockcloudError `TABLE_MALFORMED`.
   */
  rules(): (NumberedRule & Counted)[] {
    return this.#rows("ORDER BY id");
  }

  /** The counters of the built-in default rule. */
  defaultCounted(): Counted {
    const row = this.#get("SELECT matches, drops FROM counters WHERE rule = 0");
    return { matches: Number(row?.matches ?? 0), drops: Number(row?.drops ?? 0) };
  }

  /** Changes when another connection has written; cheap to poll (SQLite, "data_version"). */
  dataVersion(): number {
    return Number(this.#dataVersion.get()?.data_version);
  }

  /** Increases with each change of the rules. */
  revision(): number {
    return Number(this.#get("SELECT revision FROM state")?.revision);
  }

  /** When counters were written last, Unix milliseconds; undefined before the first time. */
  flushedAt(): number | undefined {
    const at = this.#get("SELECT flushed_at FROM state")?.flushed_at;
    return typeof at === "number" ? at : undefined;
  }

  /**
   * Adds to the counters; ignores rules that were removed.
   *
   * @param now Unix milliseconds.
   */
  addCounts(counts: readonly Pick<Rule, "id" | "matches" | "drops">[], now: number): void {
    transaction(this.#database, () => {
      for (const { id, matches, drops } of counts) {
        this.#run(
          `INSERT INTO counters SELECT ?, ?, ? WHERE ?1 = 0 OR EXISTS (SELECT 1 FROM rules WHERE id = ?1)
           ON CONFLICT (rule) DO UPDATE
           SET matches = matches + excluded.matches, drops = drops + excluded.drops`,
          ...[id, matches, drops],
        );
      }
      this.#run("UPDATE state SET flushed_at = ?", Math.floor(now));
    });
  }

  #changed(): void {
    this.#run("UPDATE state SET revision = revision + 1");
  }

  #rows(which: string, ...values: (string | number)[]): (NumberedRule & Counted)[] {
    const rows = this.#database
      .prepare(
        `SELECT id, prefix, priority, weight, action, matches, drops
         FROM rules LEFT JOIN counters ON rule = id ${which}`,
      )
      .all(...values);
    try {
      return rows.map((row) => {
        const { id, prefix, priority, weight, action, matches, drops } = rowSchema.parse(row);
        return {
          ...{ id, prefix: parsePrefix(prefix), priority, weight },
          action: actionSchema.parse(JSON.parse(action)),
          ...{ matches: matches ?? 0, drops: drops ?? 0 },
        };
      });
    } catch (cause) {
      throw new BlockcloudError("TABLE_MALFORMED", "The service table's file is malformed.", {
        cause,
        remedy: "Remove service-table.sqlite from the state folder, or restore a backup.",
      });
    }
  }

  #get(sql: string, ...values: (string | number)[]) {
    return this.#database.prepare(sql).get(...values);
  }

  #run(sql: string, ...values: (string | number)[]) {
    return this.#database.prepare(sql).run(...values);
  }
}
