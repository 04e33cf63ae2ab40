import { existsSync } from "node:fs";
import path from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { getAddress } from "viem";
import * as z from "zod";
import { deploymentTag, type Deployment } from "../../chain/deployment.ts";
import { openStore } from "../../node/store.ts";
import type { Attempt } from "../service/registration.ts";

const migrations = [
  // A row without a number is an attempt: its transaction may have been sent.
  `CREATE TABLE exposed (
     port INTEGER PRIMARY KEY,
     owner TEXT NOT NULL,
     key TEXT NOT NULL,
     since INTEGER NOT NULL,
     number INTEGER,
     audited_from INTEGER
   ) STRICT;`,
];

const row = z.object({
  owner: z.string().transform((address) => getAddress(address)),
  key: z.string().transform((address) => getAddress(address)),
  since: z.number().transform(BigInt),
  number: z
    .number()
    .nullable()
    .transform((number) => (number === null ? undefined : BigInt(number))),
  auditedFrom: z.number().nullable(),
});

/** The root service of a port. */
export interface Exposed extends Attempt {
  /** Undefined while it is not known whether it was registered. */
  number: bigint | undefined;
  /** The epoch from which auditors inspect it, at the latest. */
  auditedFrom: number | null;
}

/** The root services that `expose` has registered from a state folder, by the local port. */
export class ExposedStore {
  readonly #database: DatabaseSync;

  private constructor(file: string) {
    this.#database = openStore(file, migrations);
  }

  /**
   * Opens the store for one use.
   *
   * @throws BlockcloudError as `openStore`.
   */
  static use<T>(stateDir: string, deployment: Deployment, use: (store: ExposedStore) => T): T {
    const store = new ExposedStore(fileOf(stateDir, deployment));
    try {
      return use(store);
    } finally {
      store.#database.close();
    }
  }

  /** The entry of a port, if there is one; it makes no file. */
  static read(stateDir: string, deployment: Deployment, port: number): Exposed | undefined {
    if (!existsSync(fileOf(stateDir, deployment))) return undefined;
    return ExposedStore.use(stateDir, deployment, (store) => store.#of(port));
  }

  /** Notes an attempt before its transaction. One that is noted already began earlier, and may still succeed. */
  attempt(port: number, { owner, key, since }: Attempt): void {
    this.#database
      .prepare(
        `INSERT INTO exposed (port, owner, key, since) VALUES (?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET
           since = iif(owner = excluded.owner AND key = excluded.key, min(since, excluded.since), excluded.since),
           owner = excluded.owner,
           key = excluded.key`,
      )
      .run(port, owner, key, since);
  }

  /** Notes the number of a port's service. */
  registered(port: number, found: Attempt & { number: bigint; auditedFrom: number }): void {
    const { owner, key, since, number, auditedFrom } = found;
    this.#database
      .prepare("INSERT OR REPLACE INTO exposed VALUES (?, ?, ?, ?, ?, ?)")
      .run(port, owner, key, since, number, auditedFrom);
  }

  #of(port: number): Exposed | undefined {
    const found = this.#database
      .prepare("SELECT *, audited_from AS auditedFrom FROM exposed WHERE port = ?")
      .get(port);
    return found === undefined ? undefined : row.parse(found);
  }
}

/** The key that `expose` makes for a port's service. */
export function exposedKeyFile(stateDir: string, deployment: Deployment, port: number): string {
  return path.join(stateDir, `expose-${port}-${deploymentTag(deployment)}.key`);
}

function fileOf(stateDir: string, deployment: Deployment): string {
  return path.join(stateDir, `expose-${deploymentTag(deployment)}.sqlite`);
}
