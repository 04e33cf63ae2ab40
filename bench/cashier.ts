import { measureCashier, type CashierGas } from "./cashier/gas.ts";
import { peers } from "./cashier/peers.ts";
import {
  measurePaidRequests,
  paidRequestsTable,
  paidRequestsVsUnpaid,
  type PaidRequests,
} from "./cashier/requests.ts";
import { measureStatements, type StatementFigures } from "./cashier/statement.ts";
import { measureVouchers, type VoucherSpeed } from "./cashier/vouchers.ts";
import { measurePaidFlows, paidFlowsTable, paidVsUnpaid, type PaidFlows } from "./sal/paid.ts";
import { atMost, atLeast, type Outcome, type Target } from "./report.ts";

/** What the benchmark measures. */
export interface CashierFigures {
  gas: CashierGas;
  vouchers: { sign: VoucherSpeed; verify: VoucherSpeed };
  statements: StatementFigures;
  flows: PaidFlows;
  requests: PaidRequests;
}

/**
 * Gas of paying, from receipts of whole transactions: calldata and the 21,000 of a transaction are included. Then
 * vouchers, statements beside a recount, and paid beside unpaid flows and requests.
 */
export async function run(say: (message: string) => void): Promise<Outcome> {
  const gas = await measureCashier(say);
  say("vouchers");
  const vouchers = measureVouchers();
  say("statements");
  const statements = await measureStatements();
  const flows = await measurePaidFlows(say);
  const requests = await measurePaidRequests(say);
  return outcomeOf({ gas, vouchers, statements, flows, requests });
}

/** Builds tables and targets. */
export function outcomeOf(figures: CashierFigures): Outcome {
  const { gas, vouchers, statements, flows, requests } = figures;
  const { backlog } = gas;
  return {
    results: { ...figures, peers },
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
        title: "Vouchers, one after another on one core",
        columns: ["what", "a second", "processor, ms", "median, ms", "99th, ms"],
        rows: Object.entries(vouchers).map(([what, { perSecond, cpuMs, ms }]) => [
          ...[what, perSecond, cpuMs, ms.p50, ms.p99],
        ]),
      },
      {
        title: "Statements beside a recount from events, and the recount beside the contract",
        columns: ["payers", "redemptions", "figures compared", "differences", "a statement, ms"],
        rows: [
          [
            ...[statements.payers, statements.redemptions, statements.compared],
            ...[statements.differences, statements.statementMs],
          ],
        ],
      },
      paidFlowsTable(flows),
      paidRequestsTable(requests),
      {
        title: "Peers, by their own figures",
        columns: ["peer", "what", "gas", "counted"],
        rows: peers.map(({ peer, what, gas, counted }) => [peer, what, gas, counted]),
      },
    ],
    targets: [
      ...gasTargets(gas),
      atMost("voucherVerifyP99Ms", vouchers.verify.ms.p99, "ms", 1),
      atMost("statementDifferences", statements.differences, "figures", 0),
      atLeast("paidVsUnpaid", paidVsUnpaid(flows), "of unpaid", 0.95),
      atLeast("paidRequestsVsUnpaid", paidRequestsVsUnpaid(requests), "of unpaid", 0.9),
    ],
  };
}

/** Bounds of the gas, which is the same on every machine. */
export function gasTargets({ deposits, backlog, ...gas }: CashierGas): Target[] {
  return [
    atMost("redeemRepeat", gas.redeemRepeat, "gas", 50_000),
    atMost("redeemBatch100Each", gas.redeemBatch100Each, "gas", 19_000),
    atMost("redeemBatch100GradedEach", gas.redeemBatch100GradedEach, "gas", 24_000),
    atMost("collect", gas.collect, "gas", 75_000),
    atMost("depositGas.permit.first", deposits.permit.first, "gas", 100_000),
    atMost("depositGas.permit.repeated", deposits.permit.repeated, "gas", 80_000),
    atMost("depositGas.authorization.first", deposits.authorization.first, "gas", 100_000),
    atMost("depositGas.authorization.repeated", deposits.authorization.repeated, "gas", 80_000),
    atLeast("backlogPiecesWithinLimit", backlog.withinLimit, "of 1", 1),
  ];
}
