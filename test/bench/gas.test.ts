import { expect } from "chai";
import { measureAudits, type Audits, type History } from "../../bench/gas/audits.ts";

/**
 * 3,000 active services in two histories. `dense`: they were registered one after the other. `churned`:
 * beside every second of them a service was registered that never became active; half of the 3,000 left, and
 * 256 epochs later 1,500 others took their slots.
 */
const SERVICES = 3_000;

describe("gas of an audit after half of the services were replaced", () => {
  const measured = new Map<History, Audits>();
  const of = (history: History): Audits => measured.get(history)!;

  for (const history of ["dense", "churned"] as const) {
    it(`audits ${SERVICES} services, ${history}`, async () => {
      const audits = await measureAudits(
        { services: SERVICES, history, auditors: 4, epochs: 1 },
        () => {},
      );
      measured.set(history, audits);
      expect(audits.votes, "votes").to.be.greaterThan(SERVICES);
    });
  }

  it("has as many shards as without the services that left or were never active", () => {
    expect(of("churned").shards).to.equal(of("dense").shards);
  });

  it("costs at most 10% more", () => {
    const gas = (history: History) => of(history).patterns.worker.gasPerAudit.total;
    expect(gas("churned")).to.be.at.most(1.1 * gas("dense"));
  });
});
