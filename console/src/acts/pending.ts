import { keccak256, toHex, type Address, type Hex } from "viem";
import { BlockcloudError } from "../../../src/protocol/errors.ts";
import type { Values } from "./act.ts";

/** An act that was given to a wallet and is not known to have ended. */
export interface Pending {
  /** Same for the same act, values, account and deployment. */
  key: string;
  title: string;
  account: Address;
  chainId: number;
  /** The account's next nonce before the wallet was asked. */
  nonce: number;
  /** Undefined while the wallet has not answered. */
  hash?: Hex;
}

/** The part of `localStorage` that is used here. */
export interface Storage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

const NAME = "blockcloud.acts";
/** Entries that are kept. */
const MOST = 64;

/** What is in flight, over reloads of the page and in all its tabs, so that nothing is sent twice. */
export class Pendings {
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  list(): Pending[] {
    try {
      const parsed: unknown = JSON.parse(this.#storage.getItem(NAME) ?? "[]");
      return Array.isArray(parsed) ? parsed.filter(isPending) : [];
    } catch {
      // Another program wrote there: nothing of this page's is known.
      return [];
    }
  }

  /**
   * Notes an act before the wallet is asked.
   *
   * @throws BlockcloudError `ACT_PENDING` if the same act is in flight, `ACT_UNSURE` if it may be.
   */
  begin(entry: Pending): void {
    const list = this.list();
    const known = list.find(({ key }) => key === entry.key);
    if (known?.hash !== undefined) {
      throw new BlockcloudError(
        "ACT_PENDING",
        `The same act was sent as ${known.hash}, and is not mined yet.`,
        {
          remedy: "Wait for it: it would be done twice.",
        },
      );
    }
    if (known !== undefined) {
      throw new BlockcloudError(
        "ACT_UNSURE",
        "The wallet was asked for the same act, and its answer is not known.",
        {
          remedy:
            "Look into the wallet. If it sent nothing, dismiss the entry, and send the act again.",
        },
      );
    }
    this.#write([...list.slice(-MOST + 1), entry]);
  }

  sent(key: string, hash: Hex): void {
    this.#write(this.list().map((entry) => (entry.key === key ? { ...entry, hash } : entry)));
  }

  end(key: string): void {
    this.#write(this.list().filter((entry) => entry.key !== key));
  }

  #write(list: readonly Pending[]): void {
    this.#storage.setItem(NAME, JSON.stringify(list));
  }
}

/** Names an act with its values. */
export function pendingKey(
  act: string,
  values: Values,
  place: { account: Address; chainId: number; genesis: number },
): string {
  const sorted = Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
  const { account, chainId, genesis } = place;
  return keccak256(toHex(JSON.stringify([act, sorted, account.toLowerCase(), chainId, genesis])));
}

function isPending(value: unknown): value is Pending {
  if (typeof value !== "object" || value === null) return false;
  const { key, title, account, chainId, nonce, hash } = value as Record<string, unknown>;
  return (
    typeof key === "string" &&
    typeof title === "string" &&
    typeof account === "string" &&
    typeof chainId === "number" &&
    typeof nonce === "number" &&
    (hash === undefined || (typeof hash === "string" && /^0x[0-9a-f]{64}$/i.test(hash)))
  );
}
