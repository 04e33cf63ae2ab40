import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { PassThrough } from "node:stream";
import { expect } from "chai";
import { runDemo } from "../../src/demo/demo.ts";

describe("the main job, in short form", function () {
  this.timeout(300_000);

  it("deploys, registers, audits, moves, pays: one epoch from an empty chain to the first rewards", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "blockcloud-e2e-"));
    const progress = new PassThrough();
    let said = "";
    progress.setEncoding("utf8").on("data", (text: string) => (said += text));
    try {
      const result = await runDemo(
        {
          epochs: 1,
          folder,
          stream: progress,
          live: false,
          // As the demo's own, but a busy machine may take its time for EXCELLENT.
          devnet: { bounds: { excellentMs: 3_000, goodMs: 6_000, poorMs: 10_000 } },
        },
        new AbortController().signal,
      );

      expect(result.ok, said).to.equal(true);
      expect(result.epochs).to.equal(1);
      expect(result.services.map((service) => service.number)).to.deep.equal([1, 2, 3]);
      expect(result.services.map((service) => service.verdicts)).to.deep.equal([[3], [3], [0]]);
      expect(result.services[2]!.reward).to.equal("0");
      expect(result.auditors).to.have.length(5);
      for (const auditor of result.auditors) {
        expect(auditor.rounds).to.equal(1);
        expect(auditor.votes).to.equal(3);
        expect(auditor.paidVotes).to.equal(3);
        expect(auditor.transactions).to.be.greaterThan(2);
      }
      const move = result.move!;
      expect(move).to.include({ service: 1, announcements: 0 });
      expect(move.to).not.to.equal(move.from);
      expect(move.peers, "the Coral nodes, the resolver, the auditors").to.be.at.least(4);
      expect(said).to.contain(`service 1 moved from ${move.from} to ${move.to}`);
      expect(result.gasPerAudit).to.be.greaterThan(0);
      // Says at each wait what it waits for.
      expect(said).to.contain("waiting for epoch");
      expect(said).to.match(/waiting for \d+ claims and \d+ settlements/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
