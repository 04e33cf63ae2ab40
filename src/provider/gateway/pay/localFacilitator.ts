import type { TransactionSender } from "../../../chain/transactions/sender.ts";
import { BlockcloudError } from "../../../protocol/errors.ts";
import { transferCall } from "./authorizations.ts";
import type { ExactPayment, Facilitator, Settled } from "./facilitator.ts";
import type { ExactAsset } from "./pricing.ts";

/** The most gas of a settlement: 82,925 for BLOC to a payee without any, with room for other tokens. */
export const SETTLEMENT_GAS = 120_000n;
/** A price is at least this many times the gas of its settlement. */
const GAS_TIMES = 3n;
/** How long a price of gas is used, milliseconds. */
const GAS_PRICE_MS = 15_000;

/** Settles with the provider's own key. */
export class LocalFacilitator implements Facilitator {
  readonly isRemote = false;
  readonly #sender: Pick<TransactionSender, "send" | "gasPrice">;
  readonly #monotonic: () => number;
  #price: { readonly wei: Promise<bigint>; readonly at: number } | undefined;

  /** @param monotonic Milliseconds. */
  constructor(sender: Pick<TransactionSender, "send" | "gasPrice">, monotonic: () => number) {
    this.#sender = sender;
    this.#monotonic = monotonic;
  }

  /** Whether an amount is at least three times the gas of its settlement now. */
  async takes({ weiPerToken, decimals }: ExactAsset, amount: bigint): Promise<boolean> {
    const cost = SETTLEMENT_GAS * (await this.#gasPrice());
    return amount * weiPerToken >= GAS_TIMES * cost * 10n ** BigInt(decimals);
  }

  /** The gateway itself has executed the authorization in a simulation. */
  verify(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async settle({ asset, payload }: ExactPayment): Promise<Settled> {
    try {
      const receipt = await this.#sender.send(transferCall(asset, payload), {
        deadline: Number(payload.authorization.validBefore),
        // A payer's contract that checks the signature decides how much gas that takes.
        maxGas: GAS_TIMES * SETTLEMENT_GAS,
      });
      return { transaction: receipt.transactionHash };
    } catch (error) {
      if (!(error instanceof BlockcloudError)) throw error;
      // The estimate before sending reverted.
      if (error.code === "CALL_REVERTED") return { unsent: "transfer_refused" };
      if (error.code === "CALL_EXPENSIVE") return { unsent: "gas_above_price" };
      return { failed: error.code };
    }
  }

  #gasPrice(): Promise<bigint> {
    const now = this.#monotonic();
    if (this.#price === undefined || now - this.#price.at > GAS_PRICE_MS) {
      const wei = this.#sender.gasPrice();
      this.#price = { wei, at: now };
      // An endpoint that fails is asked again by the next request.
      wei.catch(() => {
        this.#price = undefined;
      });
    }
    return this.#price.wei;
  }
}
