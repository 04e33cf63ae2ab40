import { expect } from "chai";
import { readFileSync } from "node:fs";
import path from "node:path";
import { formatEther, parseEther } from "viem";
import { epochBudget } from "../../src/protocol/emission.ts";
import { providerPay, reportPay } from "../../src/protocol/pay.ts";
import { K } from "../../src/protocol/sortition.ts";

/** The public network: epochs of an hour, 100% a year. */
const EPOCH_SECONDS = 3600n;
const YIELD_PERCENT = 100n;
/** What is left of the pool does not bound anything here. */
const POOL = parseEther("3000000000");

interface Network {
  services: number;
  /** Of each service, and of each auditor; BLOC. */
  serviceStake: number;
  auditors: number;
  auditorStake: number;
}

interface Hour {
  providers: bigint;
  auditors: bigint;
  /** For an audit: one vote with weight 1 that agrees with an EXCELLENT verdict. */
  audit: bigint;
  /** What an auditor and a service expect. */
  auditor: bigint;
  service: bigint;
}

const bloc = (amount: number) => parseEther(String(amount));

/** An hour in which everybody is honest and every lane counts the weight that it expects. */
function hourOf({ services, serviceStake, auditors, auditorStake }: Network): Hour {
  const activeStake = BigInt(services) * bloc(serviceStake);
  const budget = epochBudget(
    {
      available: POOL,
      contributed: 0n,
      activeStake,
      enrolledStake: BigInt(auditors) * bloc(auditorStake),
    },
    YIELD_PERCENT,
    EPOCH_SECONDS,
  );
  // One lane in which all the weight said EXCELLENT.
  const tally = (K << 240n) | (K << 12n);
  const audit = reportPay(tally, 1n << 12n, budget.auditors, BigInt(services)).pay;
  return {
    providers: budget.providers,
    auditors: budget.auditors,
    audit,
    auditor: (audit * K * BigInt(services)) / BigInt(auditors),
    service: providerPay(budget.providers, bloc(serviceStake), activeStake, 3),
  };
}

const NETWORKS: readonly Network[] = [
  { services: 1, serviceStake: 1_000, auditors: 1, auditorStake: 5_000 },
  { services: 100, serviceStake: 1_000, auditors: 1, auditorStake: 5_000 },
  { services: 100, serviceStake: 1_000, auditors: 10, auditorStake: 5_000 },
  { services: 100, serviceStake: 1_000, auditors: 100, auditorStake: 5_000 },
  { services: 1_000, serviceStake: 10_000, auditors: 1, auditorStake: 5_000 },
  { services: 1_000, serviceStake: 10_000, auditors: 100, auditorStake: 5_000 },
  { services: 1_000, serviceStake: 10_000, auditors: 200, auditorStake: 5_000 },
  { services: 1_000, serviceStake: 10_000, auditors: 1_000, auditorStake: 5_000 },
  { services: 10_000, serviceStake: 50_000, auditors: 1_000, auditorStake: 50_000 },
  { services: 10_000, serviceStake: 100_000, auditors: 1_000, auditorStake: 50_000 },
];

/** As in the table: whole numbers with separators, pay with four digits. */
function cells(network: Network): string[] {
  const hour = hourOf(network);
  const whole = (value: number) => value.toLocaleString("en-US");
  const pay = (wei: bigint) =>
    Number(formatEther(wei)).toLocaleString("en-US", { maximumSignificantDigits: 4 });
  return [
    whole(network.services),
    whole(network.serviceStake),
    whole(network.auditors),
    whole(network.auditorStake),
    pay(hour.providers + hour.auditors),
    pay(hour.audit),
    pay(hour.auditor),
    pay(hour.service),
  ];
}

describe("emission", () => {
  it("pays for an audit what docs/protocol.md says", () => {
    const text = readFileSync(path.join(import.meta.dirname, "../../docs/protocol.md"), "utf8");
    const [, table = ""] = text.split("| services | stake of each, BLOC |");
    const rows = (table.split("\n\n")[0] ?? "")
      .split("\n")
      .slice(2)
      .map((row) =>
        row
          .split("|")
          .slice(1, -1)
          .map((cell) => cell.trim()),
      );
    expect(rows).to.deep.equal(NETWORKS.map(cells));
  });

  it("pays a staker that drove the others out no more than a bounded yield of its own stake", () => {
    const yieldOf = (stake: number) =>
      (bloc(stake) * YIELD_PERCENT * EPOCH_SECONDS) / (100n * 31_557_600n);
    for (const network of NETWORKS) {
      const loneAuditor = hourOf({ ...network, auditors: 1 });
      expect(loneAuditor.auditor <= 4n * yieldOf(network.auditorStake)).to.equal(true);
      const loneService = hourOf({ ...network, services: 1 });
      expect(loneService.service <= yieldOf(network.serviceStake)).to.equal(true);
      // Both at once, of one owner.
      const both = hourOf({ ...network, services: 1, auditors: 1 });
      expect(both.service + both.auditor <= yieldOf(network.serviceStake)).to.equal(true);
    }
  });

  it("never pays less for an audit because auditors join", () => {
    for (const network of NETWORKS) {
      let before = 0n;
      for (let auditors = 1; auditors <= 4_096; auditors *= 2) {
        const { audit } = hourOf({ ...network, auditors });
        expect(audit >= before, `${String(auditors)} auditors`).to.equal(true);
        before = audit;
      }
    }
  });

  it("never pays those who stay less because others leave", () => {
    for (const network of NETWORKS) {
      let before = hourOf({ ...network, auditors: 1 }).auditor;
      for (let auditors = 2; auditors <= 4_096; auditors *= 2) {
        const { auditor } = hourOf({ ...network, auditors });
        // The expectation is rounded once for each division.
        expect(auditor <= before + 1_000_000n, `${String(auditors)} auditors`).to.equal(true);
        before = auditor;
      }
    }
  });

  it("pays an auditor and a service no less for staking more", () => {
    const others = bloc(1_000_000);
    let before = { auditor: 0n, service: 0n };
    for (let own = 1_000; own <= 4_096_000; own *= 2) {
      const asAuditor = epochBudget(
        {
          available: POOL,
          contributed: 0n,
          activeStake: others,
          enrolledStake: others + bloc(own),
        },
        YIELD_PERCENT,
        EPOCH_SECONDS,
      );
      const auditor = (asAuditor.auditors * bloc(own)) / (others + bloc(own));
      const asService = epochBudget(
        {
          available: POOL,
          contributed: 0n,
          activeStake: others + bloc(own),
          enrolledStake: others,
        },
        YIELD_PERCENT,
        EPOCH_SECONDS,
      );
      const service = providerPay(asService.providers, bloc(own), others + bloc(own), 3);
      expect(auditor >= before.auditor, "as an auditor").to.equal(true);
      expect(service >= before.service, "as a service").to.equal(true);
      before = { auditor, service };
    }
  });

  it("pays parts of a stake no more than the whole", () => {
    const total = bloc(10_000_000);
    const { providers } = epochBudget(
      { available: POOL, contributed: 0n, activeStake: total, enrolledStake: total },
      YIELD_PERCENT,
      EPOCH_SECONDS,
    );
    for (const parts of [2n, 3n, 7n, 100n]) {
      const whole = providerPay(providers, bloc(100_000), total, 3);
      expect(parts * providerPay(providers, bloc(100_000) / parts, total, 3) <= whole).to.equal(
        true,
      );
    }
  });
});
