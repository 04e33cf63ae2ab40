import { existsSync } from "node:fs";
import { isAddressEqual, type Address, type Hex } from "viem";
import { WalletStore, walletStoreFile } from "../../cashier/payer/store.ts";
import type { Deployment } from "../../chain/deployment.ts";
import type { SignedRow } from "./statementRows.ts";

const DAY_MS = 86_400_000;

/** A tab in the books of a payer's wallet. BLOC in wei, times Unix seconds. */
export interface SignedTab {
  tab: Hex;
  service: Hex;
  limit: bigint;
  /** No voucher above it was signed. */
  signed: bigint;
  expiresAt: number;
}

/** What a payer's wallet in a state folder has signed; nothing if the folder has no wallet of this payer. */
export class WalletBooks {
  readonly tabs: readonly SignedTab[];
  /** By UTC day and service. */
  readonly rows: readonly SignedRow[];

  private constructor(tabs: readonly SignedTab[], rows: readonly SignedRow[]) {
    this.tabs = tabs;
    this.rows = rows;
  }

  /** @throws BlockcloudError as `openStore` does. */
  static read(stateDir: string, deployment: Deployment, payer: Address): WalletBooks {
    const file = walletStoreFile(stateDir, deployment, payer);
    if (!existsSync(file)) return new WalletBooks([], []);
    const store = new WalletStore(file);
    try {
      const tabs = store
        .everyTab()
        .filter(({ authorization }) => isAddressEqual(authorization.payer, payer))
        .map(({ authorization: { tab, service, limit, expiresAt }, ahead: signed }) => ({
          ...{ tab, service, limit, signed, expiresAt },
        }));
      const rows = store.payments().map(({ service, day, amount }) => ({
        ...{ day: new Date(day * DAY_MS).toISOString().slice(0, 10), service, amount },
      }));
      return new WalletBooks(tabs, rows);
    } finally {
      store.close();
    }
  }
}
