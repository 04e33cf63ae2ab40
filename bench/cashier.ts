import { measureCashier, type CashierGas } from "./cashier/gas.ts";
import { peers } from "./cashier/peers.ts";
import { atMost, atLeast, type Outcome } from "./report.ts";

/** Gas of paying, from receipts of whole transactions: calldata and the 21,000 of a transaction are included. */
export async function run(say: (message: string) => void): Promise<Outcome> {
  const gas = await measureCashier(say);
  return outcomeOf(gas);
}

/** Builds tables and targets. */
export function outcomeOf(gas: CashierGas): Outcome {
  const { deposits, backlog } = gas;
  return {
    results: { gas, peers },
    tables: [
      {
        title: "Gas of a whole transaction",
        columns: ["what", "when", "items", "gas", "gas of an item"],
        rows: gas.rows.map(({ what, when, items, gas }) => [
          what,
          when,
          items,
          gas,
          Math.round(gas / items),
        ]),
      },
      {
        title: "A backlog of vouchers without a grade, redeemed in batches and collected",
        columns: [
          "vouchers",
          "days",
          "transactions",
          "largest, gas",
          "all, gas",
          "gas of a voucher",
        ],
        rows: [
          [
            backlog.vouchers,
            backlog.days,
            backlog.transactions,
            backlog.largest,
            backlog.total,
            Math.round(backlog.total / backlog.vouchers),
          ],
        ],
      },
      {
        title: "Peers, by their own figures",
        columns: ["peer", "what", "gas", "counted"],
        rows: peers.map(({ peer, what, gas, counted }) => [peer, what, gas, counted]),
      },
    ],
    targets: [
      atMost("redeemRepeat", gas.redeemRepeat, "gas", 50_000),
      atMost("redeemBatch100Each", gas.redeemBatch100Each, "gas", 19_000),
      atMost("redeemBatch100GradedEach", gas.redeemBatch100GradedEach, "gas", 24_000),
      atMost("collect", gas.collect, "gas", 75_000),
      atMost("depositGas.permit.first", deposits.permit.first, "gas", 100_000),
      atMost("depositGas.permit.repeated", deposits.permit.repeated, "gas", 80_000),
      atMost("depositGas.authorization.first", deposits.authorization.first, "gas", 100_000),
      atMost("depositGas.authorization.repeated", deposits.authorization.repeated, "gas", 80_000),
      atLeast("backlogPiecesWithinLimit", backlog.withinLimit, "of 1", 1),
    ],
  };
}
