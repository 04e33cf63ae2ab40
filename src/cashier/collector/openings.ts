import { isAddressEqual, type Address, type Hex } from "viem";
import type { BlockcloudError } from "../../protocol/errors.ts";
import { tabOf } from "../../protocol/voucher.ts";
import { cashierError } from "../errors.ts";
import type { TabOpening } from "../tabs.ts";
import type { CollectorChain } from "./chain.ts";
import type { CollectedTab } from "./tab.ts";

/** The most openings that are verified at the same time: each costs requests to the chain. */
const MOST_AT_ONCE = 32;
/** Least time until `openBy`, seconds: the collector must be able to open the tab. */
const LEAST_OPEN_S = 600;
/** Least time of serving, seconds. */
const LEAST_SERVING_S = 60;

export interface OpeningRules {
  service: Hex;
  collector: Address;
  /** The least limit of a new tab, BLOC in wei. */
  leastLimit: bigint;
}

/**
 * Verifies tab authorizations. What a transaction would check is checked by simulating it, so signature, session key,
 * the payer's contract, free balance, times and service are judged by the contract itself.
 */
export class Openings {
  readonly #rules: OpeningRules;
  readonly #chain: CollectorChain;
  readonly #now: () => number;
  #running = 0;

  /** @param now Unix seconds. */
  constructor(rules: OpeningRules, chain: CollectorChain, now: () => number) {
    this.#rules = rules;
    this.#chain = chain;
    this.#now = now;
  }

  /**
   * Checks an opening without the chain.
   *
   * @param known The tab, if the opening is a later one.
   * @throws BlockcloudError `CASHIER_AUTHORIZATION`.
   */
  checkForm({ authorization, salt }: TabOpening, known: CollectedTab | undefined): void {
    const { service, collector, leastLimit } = this.#rules;
    const { tab, signer, limit, openBy, expiresAt } = authorization;
    const now = this.#now();
    if (authorization.service !== service)
      throw refused(tab, `it is for ${authorization.service}, and ${service} is paid here`);
    if (tab !== tabOf(collector, salt))
      throw refused(tab, `it does not belong to ${collector} with the salt ${salt}`);
    if (expiresAt < now + LEAST_SERVING_S) throw refused(tab, `it expires at ${expiresAt}`);
    if (known === undefined) {
      if (limit < leastLimit) throw refused(tab, `its limit ${limit} is below ${leastLimit} wei`);
      if (openBy < now + LEAST_OPEN_S) throw refused(tab, `it can be opened until ${openBy} only`);
      return;
    }
    if (!isAddressEqual(signer, known.signer)) throw refused(tab, `its signer was ${known.signer}`);
    if (limit < known.limit || expiresAt < known.expiresAt)
      throw refused(tab, `it lowers ${known.limit} wei until ${known.expiresAt}`);
  }

  /**
   * Checks an opening by the chain.
   *
   * @param promised What other authorizations of the payer, which are not open on chain, can still reserve here.
   * @param reserved What the chain has reserved for this tab already.
   * @throws BlockcloudError `CASHIER_AUTHORIZATION`, `CASHIER_FUNDS`, `CASHIER_TAB_ENDED`, `CASHIER_TAB_CLOSING`,
   * `CASHIER_BUSY`, `CASHIER_CHAIN`.
   */
  async checkByChain(opening: TabOpening, promised: bigint, reserved: bigint): Promise<void> {
    const { payer, tab, limit } = opening.authorization;
    if (this.#running >= MOST_AT_ONCE) {
      throw cashierError("busy", `${MOST_AT_ONCE} tabs are being verified.`);
    }
    this.#running += 1;
    let refusal: Awaited<ReturnType<CollectorChain["openingRefusal"]>>;
    let free: bigint;
    try {
      [refusal, { free }] = await Promise.all([
        this.#chain.openingRefusal(opening, this.#rules.collector),
        this.#chain.accountOf(payer),
      ]);
    } catch (cause) {
      throw cashierError("chain", `Tab ${tab} cannot be verified.`, { cause });
    } finally {
      this.#running -= 1;
    }
    if (refusal !== undefined) throw refusedByChain(tab, refusal);
    const added = limit - reserved;
    if (added + promised > free) {
      throw cashierError(
        "funds",
        `Tab ${tab} reserves ${added} wei; ${free} are free, and other tabs here reserve ${promised} of them.`,
      );
    }
  }
}

/** The error of a call that opens a tab, as a payer should see it. */
export function refusedByChain(
  tab: Hex,
  { name, args }: { name: string | undefined; args: readonly unknown[] },
): BlockcloudError {
  const said = `${name ?? "an unknown error"}(${args.map(String).join(", ")})`;
  if (name === "CashierNotFree" || name === "CashierSignerLimit")
    return cashierError("funds", `Tab ${tab} cannot be opened: ${said}.`);
  if (name === "CashierTabDead" || name === "CashierTabLate")
    return cashierError("ended", `Tab ${tab} cannot be opened: ${said}.`);
  if (name === "CashierTabIsClosing")
    return cashierError("closing", `Tab ${tab} cannot be raised: ${said}.`);
  return refused(tab, said);
}

function refused(tab: Hex, why: string): BlockcloudError {
  return cashierError("authorization", `The authorization of tab ${tab} is refused: ${why}.`);
}
