import type { Address, Hex } from "viem";
import type { Redemption, TabAuthorization } from "../../protocol/voucher.ts";
import type { Deployment } from "../deployment.ts";
import type { Call } from "../transactions/call.ts";
import { contractsOf } from "../views/contracts.ts";
import type { TabName } from "./cashier.ts";

/** A signed authorization to open a tab, and the salt of the tab's ID. */
export interface Opening {
  authorization: TabAuthorization;
  salt: Hex;
  /** 65 bytes, or a signature that the payer's contract accepts. */
  signature: Hex;
}

/**
 * The Cashier's transactions, except deposits (deposits.ts).
 *
 * @example
 * await sender.send(cashierCalls(deployment).collect(rootServiceId(7n)));
 */
export function cashierCalls(deployment: Deployment) {
  const call = (functionName: string, args: readonly unknown[]): Call => ({
    ...contractsOf(deployment).cashier,
    functionName,
    args,
  });
  return {
    /** Withdraws from the free part of the sender's account. BLOC in wei. */
    withdraw: (amount: bigint) => call("withdraw", [amount]),
    /**
     * Lets a key open tabs in the sender's name.
     *
     * @param terms.limit Sum of the limits of its tabs, BLOC in wei.
     * @param terms.expiresAt Unix seconds.
     */
    authorizeSigner: (terms: { signer: Address; limit: bigint; expiresAt: number }) =>
      call("authorizeSigner", [terms.signer, terms.limit, terms.expiresAt]),
    /** Revokes a key of the sender; its open tabs stay open. */
    revokeSigner: (signer: Address) => call("revokeSigner", [signer]),
    /** Opens or raises a tab of the sending collector. */
    openTab: ({ authorization, salt, signature }: Opening) =>
      call("openTab", [authorization, salt, signature]),
    /** Opens a tab of the sending collector and redeems its first voucher. */
    openAndRedeem: ({ authorization, signature }: Omit<Opening, "salt">, item: Redemption) =>
      call("openAndRedeem", [authorization, signature, item]),
    /** Redeems a voucher of the sending collector. */
    redeem: (item: Redemption) => call("redeem", [item]),
    /** Redeems at most `LONGEST_BATCH` vouchers of the sending collector; refused ones are skipped. */
    redeemBatch: (items: readonly Redemption[]) => call("redeemBatch", [items]),
    /** Pays what a service has earned to its payout address. */
    collect: (service: Hex) => call("collect", [service]),
    /** Announces that a tab of the sending payer closes. */
    announceClosing: ({ service, tab }: Pick<TabName, "service" | "tab">) =>
      call("announceClosing", [service, tab]),
    /** Closes a tab of the sending collector at once. */
    closeAsCollector: (terms: { payer: Address; service: Hex; salt: Hex }) =>
      call("closeAsCollector", [terms.payer, terms.service, terms.salt]),
    /** Closes a tab whose time of redemption is over. */
    closeTab: ({ payer, service, tab }: TabName) => call("closeTab", [payer, service, tab]),
    /** Burns half of the fees and gives the rest to the auditors' budgets. */
    forwardFees: () => call("forwardFees", []),
  };
}
