import type { Address } from "viem";
import type { ChainClient } from "../client.ts";
import type { Deployment } from "../deployment.ts";
import type { RangeOptions } from "../logs.ts";
import { readEach } from "../views/contracts.ts";
import { Cashier, type Account, type TabName, type TabView } from "./cashier.ts";
import { readCashierEvents } from "./events.ts";

/** A tab of a payer as it is on chain. */
export interface LivingTab extends TabName, TabView {
  state: "Open" | "Closing";
}

/** What a payer has at the Cashier at one block, BLOC in wei. */
export interface Holdings extends Account {
  block: bigint;
  /** Tabs that reserve a part of the account, the newest first. */
  tabs: LivingTab[];
  /** The sum that was paid out of these tabs. */
  paid: bigint;
  /** What belongs to the payer: the free part, and what was not paid out of the tabs. */
  left: bigint;
}

/**
 * Reads a payer's account and all tabs that reserve a part of it. Events are read backward, only until the limits of
 * the tabs found are all that the account reserves.
 *
 * @param input.block The block of all reads.
 */
export async function readHoldings(
  client: ChainClient,
  deployment: Deployment,
  input: { payer: Address; block: bigint },
  options: Omit<RangeOptions, "backward"> = {},
): Promise<Holdings> {
  const { payer, block } = input;
  const cashier = new Cashier(client, deployment);
  const account = await cashier.accountOf(payer, block);
  const tabs: LivingTab[] = [];
  const seen = new Set<string>();
  let missing = account.reserved;
  if (missing > 0n) {
    const range = { from: BigInt(deployment.block), to: block };
    const backward = { ...options, backward: true };
    for await (const { value } of readCashierEvents(
      client,
      deployment,
      range,
      { payer },
      backward,
    )) {
      const names = value.flatMap((event): TabName[] => {
        if (event.eventName !== "TabOpened" && event.eventName !== "TabRaised") return [];
        const { service, tab } = event.args;
        const key = service + tab;
        if (seen.has(key)) return [];
        seen.add(key);
        return [{ payer, service, tab }];
      });
      const views = await readEach(names, async (name) => ({
        ...name,
        ...(await cashier.tabOf(name, block)),
      }));
      const living = views.filter(isLiving);
      tabs.push(...living.reverse());
      missing -= living.reduce((sum, { limit }) => sum + limit, 0n);
      if (missing === 0n) break;
    }
  }
  const paid = tabs.reduce((sum, { redeemed, passed }) => sum + redeemed - passed, 0n);
  return { ...account, block, tabs, paid, left: account.balance - paid };
}

function isLiving<T extends TabView>(tab: T): tab is T & LivingTab {
  return tab.state === "Open" || tab.state === "Closing";
}
