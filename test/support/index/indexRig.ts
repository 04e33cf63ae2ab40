import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createChainClient } from "../../../src/chain/client.ts";
import type { Deployment } from "../../../src/chain/deployment.ts";
import {
  createIndexer,
  prepareIndexer,
  type CreateIndexerOptions,
  type IndexParts,
} from "../../../src/indexer/createIndexer.ts";
import type { IndexStatus } from "../../../src/indexer/indexStatus.ts";
import { packageRoot } from "../../../src/node/packageRoot.ts";
import { systemTimers } from "../../../src/node/timers.ts";
import { MemoryLog } from "../memoryLog.ts";
import { until } from "../until.ts";

export interface IndexRigOptions {
  deployment: Deployment;
  rpcUrl: string;
  /** Folder of a package whose index is run; by default this one. */
  root?: string;
  /** A Postgres database; without one, PGlite keeps the tables. */
  databaseUrl?: string;
  front?: Partial<CreateIndexerOptions["front"]>;
}

const front: CreateIndexerOptions["front"] = {
  listen: { host: "127.0.0.1", port: 0 },
  origins: [],
  sql: false,
  trustedProxies: [],
  maxConnections: 0,
  maxConnectionsPerPeer: 0,
  ...{ keepAliveMs: 5_000, maxUnread: 0, maxUnreadPerPeer: 0 },
};

interface FieldType {
  kind: string;
  ofType?: FieldType | null;
}

interface Field {
  name: string;
  type: FieldType;
}

export type TableRow = Record<string, unknown>;

/** A table as the index serves it. */
export interface IndexedTable {
  columns: string[];
  /** The columns of its primary key. */
  key: string[];
  rows: TableRow[];
}

/** Whether a field is a column, and no relation to other tables. */
function isColumn({ kind, ofType }: FieldType): boolean {
  return ofType ? isColumn(ofType) : kind === "SCALAR" || kind === "ENUM";
}

/** An index with a folder of its own, on any chain. */
export class IndexRig {
  readonly log = new MemoryLog();
  readonly folder = mkdtempSync(path.join(tmpdir(), "index-"));
  /** The errors for which the index gave up. */
  readonly failures: unknown[] = [];
  readonly #options: IndexRigOptions;
  #parts: IndexParts | undefined;

  private constructor(options: IndexRigOptions) {
    this.#options = options;
  }

  static async start(options: IndexRigOptions): Promise<IndexRig> {
    const rig = new IndexRig(options);
    await rig.begin();
    return rig;
  }

  get parts(): IndexParts {
    if (this.#parts === undefined) throw new Error("The index does not run.");
    return this.#parts;
  }

  get base(): string {
    return `http://127.0.0.1:${this.parts.front.address.port}`;
  }

  /** Starts it in its folder, again or for the first time. */
  async begin(): Promise<void> {
    const { deployment, rpcUrl } = this.#options;
    const { root = packageRoot() } = this.#options;
    const prepared = await prepareIndexer({ root, stateDir: this.folder, deployment });
    const options = {
      rpcUrls: [rpcUrl],
      deployment,
      root,
      databaseUrl: this.#options.databaseUrl,
      pollMs: 200,
      front: { ...front, ...this.#options.front },
    };
    const fail = (error: unknown) => this.failures.push(error);
    const environment = { timers: systemTimers, log: this.log, fail };
    this.#parts = createIndexer(options, prepared, environment);
    await this.#parts.start();
  }

  async end(): Promise<void> {
    const parts = this.#parts;
    this.#parts = undefined;
    await parts?.stop();
  }

  async stop(): Promise<void> {
    await this.end();
    rmSync(this.folder, { recursive: true });
  }

  /** Kills Ponder, as the kernel would. */
  killPonder(): void {
    const { pid } = this.parts.indexer;
    if (pid !== undefined) process.kill(pid, "SIGKILL");
  }

  async status(): Promise<IndexStatus> {
    const response = await fetch(`${this.base}/v1/status`);
    return (await response.json()) as IndexStatus;
  }

  /** Waits until the chain's newest block is indexed. */
  async caughtUp(): Promise<void> {
    const { deployment, rpcUrl } = this.#options;
    const client = createChainClient([rpcUrl], deployment.chainId);
    await until(
      "the index has the newest block",
      async () => {
        if (this.failures.length > 0) throw this.failures[0] as Error;
        const { state, indexed } = await this.status();
        return state === "live" && indexed?.block === Number(await client.getBlockNumber());
      },
      100,
    );
  }

  /** Asks a query; the errors of GraphQL are thrown. */
  async query<T>(query: string, variables: object = {}): Promise<T> {
    const response = await this.ask(query, variables);
    const { data, errors } = (await response.json()) as { data?: T; errors?: unknown };
    if (errors !== undefined || data === undefined) throw new Error(JSON.stringify(errors));
    return data;
  }

  ask(query: string, variables: object = {}): Promise<Response> {
    return fetch(`${this.base}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query, variables }),
    });
  }

  /** All rows of a table with all columns, in the order of their texts. */
  async rows(table: string): Promise<string[]> {
    const { rows } = await this.table(table);
    return rows.map((row) => JSON.stringify(row)).sort();
  }

  /** All rows of a table with all columns; the names of the columns and of the primary key are the index's own. */
  async table(table: string): Promise<IndexedTable> {
    const name = table.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
    const { __type: type, __schema: schema } = await this.#direct<{
      __type: { fields: Field[] };
      __schema: { queryType: { fields: { name: string; args: { name: string }[] }[] } };
    }>(
      `{ __type(name: "${name}") { fields { name type { kind ofType { kind ofType { kind } } } } }
        __schema { queryType { fields { name args { name } } } } }`,
    );
    const columns = type.fields.filter(({ type }) => isColumn(type)).map((field) => field.name);
    const answer = await this.#direct<Record<string, { totalCount: number; items: TableRow[] }>>(
      `{ ${name}s(limit: 1000) { totalCount items { ${columns.join(" ")} } } }`,
    );
    const { totalCount, items } = answer[`${name}s`]!;
    if (totalCount !== items.length) throw new Error(`${table} has more than a page of rows.`);
    const one = schema.queryType.fields.find((field) => field.name === name)!;
    return { columns, key: one.args.map((arg) => arg.name), rows: items };
  }

  /** The names of all tables that the index serves, as in {@link tables}. */
  async tableNames(): Promise<string[]> {
    const { __schema: schema } = await this.#direct<{
      __schema: { queryType: { fields: { name: string }[] } };
    }>("{ __schema { queryType { fields { name } } } }");
    const names = schema.queryType.fields.map(({ name }) => name);
    return names
      .filter((name) => names.includes(`${name}s`))
      .map((name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
  }

  /** Asks Ponder itself, without the bounds of the front. */
  async #direct<T>(query: string): Promise<T> {
    const response = await fetch(`${this.parts.indexer.base ?? ""}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query }),
    });
    const { data, errors } = (await response.json()) as { data?: T; errors?: unknown };
    if (data === undefined || errors !== undefined) throw new Error(JSON.stringify(errors));
    return data;
  }

  /** The whole index. */
  async dump(): Promise<Record<string, string[]>> {
    const dumped: Record<string, string[]> = {};
    for (const table of tables) dumped[table] = await this.rows(table);
    return dumped;
  }
}

/** The rows that only one of two dumps has, by table. */
export function differences(
  one: Record<string, string[]>,
  other: Record<string, string[]>,
): string[] {
  return tables.flatMap((table) => {
    const [first, second] = [new Set(one[table]), new Set(other[table])];
    return [
      ...[...first].filter((row) => !second.has(row)).map((row) => `${table} lacks ${row}`),
      ...[...second].filter((row) => !first.has(row)).map((row) => `${table} has ${row}`),
    ];
  });
}

/** Every table of the index. */
export const tables = [
  ...["service", "service_kind", "service_event", "service_stake", "announcement", "label"],
  ...["slot", "challenge", "epoch", "round", "report", "audited_shard", "auditor"],
  ...["auditor_round", "auditor_event", "audit_transaction", "unbonding", "staker", "network"],
  ...["account", "account_move", "tab", "redemption", "refusal", "statement_day"],
  ...["service_day", "collection", "session_key"],
] as const;
