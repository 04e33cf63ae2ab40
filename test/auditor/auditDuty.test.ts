import { expect } from "chai";
import type { Hex } from "viem";
import { AuditDuty } from "../../src/auditor/auditDuty.ts";
import type { Secrets } from "../../src/auditor/secrets.ts";
import type { InspectionWindow, Vote } from "../../src/auditor/inspection/inspector.ts";
import { OpenedRound } from "../../src/auditor/round.ts";
import type { AuditedService, Services } from "../../src/chain/services.ts";
import { drawKey } from "../../src/protocol/sortition.ts";
import { readReportWord } from "../../src/protocol/tally.ts";
import { AUDITOR, AuditorRig, EPOCH, evidenceOf, hashOf, roundOf } from "../support/auditorRig.ts";
import { DEPLOYMENT } from "../support/fakeChain.ts";
import { failureOf } from "../support/httpClient.ts";
import { rejection } from "../support/rejection.ts";

describe("AuditDuty", () => {
  let rig: AuditorRig;
  let duty: AuditDuty;
  let secret: Hex | undefined;
  let committed: boolean;
  let pays: boolean;
  let votes: { number: bigint; epoch: number; y: Hex; window: InspectionWindow; at: number }[];
  let vote: (number: bigint) => Promise<Vote>;
  /** Services that are active in an epoch, of a shard's first three. */
  let active: (epoch: number) => number[];

  beforeEach(() => {
    rig = new AuditorRig();
    secret = hashOf(2);
    committed = false;
    pays = true;
    votes = [];
    active = () => [0];
    vote = async (number) => ({ number, grade: 3, evidence: evidenceOf(number) });
    rig.chain.answers.auditorStakeAt = () => 1n;
    rig.chain.answers.totalsAt = () => [0n, 0n, 7n];
    rig.chain.answers.roundOf = () => [committed, 0, 0n];
    rig.sender.onSend = () => {
      committed = true;
      return [];
    };
    duty = new AuditDuty(
      { auditor: AUDITOR },
      {
        ...rig.dependencies,
        profit: { pays: async () => pays },
        secrets: { secret: async () => secret } as unknown as Secrets,
        services: {
          slotCount: async () => 20,
          active: async (shard: number, epoch: number) =>
            active(epoch).map((lane) => {
              const slot = shard * 15 + lane + 1;
              return { number: BigInt(slot), slot } as AuditedService;
            }),
        } as unknown as Services,
        voter: {
          vote: ({ number }, epoch, y, window) => {
            votes.push({ number, epoch, y, window, at: rig.time.now() });
            return vote(number);
          },
        },
      },
    );
  });

  const run = (epoch = EPOCH) => rig.timers.play(duty.run(epoch, rig.abort.signal));

  it("draws, votes on every service drawn, and commits to the votes", async () => {
    await run();
    expect(votes.map(({ number }) => number)).to.deep.equal([1n, 16n]);
    const y = drawKey(hashOf(0x5e), hashOf(2), AUDITOR);
    for (const each of votes) expect(each).to.include({ epoch: EPOCH, y });
    const round = rig.store.round(EPOCH)!;
    expect(round).to.deep.include({ y, votes: 2, evidence: [evidenceOf(1n), evidenceOf(16n)] });
    expect(rig.sender.names).to.deep.equal(["commit"]);
    expect(rig.sender.sent[0]?.args).to.deep.equal([
      AUDITOR,
      EPOCH,
      new OpenedRound(AUDITOR, round).commitment,
    ]);
  });

  it("inspects after the seed is confirmed, and leaves time for the commitment", async () => {
    await run();
    const start = DEPLOYMENT.genesis + EPOCH * 100;
    for (const { window, at } of votes) {
      expect(window.from).to.equal(at);
      expect(window.from - start).to.be.within(1, 3);
      expect(window.to - start).to.be.within(54.999, 55.001);
      expect(window.deadline - start).to.be.within(74.999, 75.001);
    }
  });

  // A reveal with a vote on any other service reverts.
  it("votes on the services that are active in the audited epoch, and no other", async () => {
    active = (epoch) => (epoch === EPOCH ? [0, 2] : [1]);
    await run();
    const lanes = () =>
      rig.store
        .round(EPOCH)!
        .chunks.flatMap(({ words }) => words.map(readReportWord))
        .map(({ votes: cast }) => cast.flatMap((each, lane) => (each === null ? [] : [lane])));
    expect(lanes()).to.deep.equal([
      [0, 2],
      [0, 2],
    ]);

    // Restarted in the next epoch, in which others are active.
    rig.timers.pass(100_000);
    committed = false;
    await run(EPOCH + 1);
    expect(lanes()).to.deep.equal([
      [0, 2],
      [0, 2],
    ]);
    expect(
      votes.filter(({ epoch }) => epoch === EPOCH + 1).map(({ number }) => number),
    ).to.deep.equal([2n, 17n]);
  });

  it("leaves out a vote on a service that it did not draw", async () => {
    vote = async (number) => ({ number: number + 1n, grade: 0 });
    await run();
    for (const { words } of rig.store.round(EPOCH)!.chunks) {
      for (const word of words) expect(word & ((1n << 240n) - 1n)).to.equal(0n);
    }
  });

  it("has the round on disk before anything is sent", async () => {
    let stored: unknown;
    rig.sender.onSend = () => {
      stored = rig.store.round(EPOCH);
      throw new Error("power cut");
    };
    expect((await failureOf(run())).message).to.equal("power cut");
    expect(stored).not.to.equal(undefined);
  });

  it("commits after a restart to the round that is on disk, and inspects nothing anew", async () => {
    const round = roundOf(EPOCH, 2);
    rig.store.save(round);
    await run();
    expect(votes).to.deep.equal([]);
    const { commitment } = new OpenedRound(AUDITOR, round);
    expect(rig.sender.sent.map(({ args }) => args)).to.deep.equal([[AUDITOR, EPOCH, commitment]]);
  });

  it("notes on disk that the commitment goes out, before it does", async () => {
    let noted: boolean | undefined;
    rig.sender.onSend = () => {
      noted = rig.store.isSent(EPOCH);
      committed = true;
      return [];
    };
    await run();
    expect(noted).to.equal(true);
    const deadline = DEPLOYMENT.genesis + (EPOCH + 1) * 100 - 1;
    expect(rig.sender.options[0]).to.include({ urgent: true, deadline });
  });

  it("takes a commitment that came through for its own, whatever the sender met", async () => {
    rig.sender.onSend = () => {
      committed = true;
      throw new Error("another transaction took the nonce");
    };
    await run();
    expect(rig.sender.names).to.deep.equal(["commit"]);
  });

  describe("beside another instance with the same key", () => {
    const HASH = hashOf(0x7a);
    let input: Hex;

    beforeEach(() => {
      rig.chain.logs.push({
        block: Number(rig.time.head().number),
        eventName: "Committed",
        args: { auditor: AUDITOR, epoch: EPOCH },
        transaction: HASH,
      });
      rig.chain.transactions[HASH] = () => input;
    });

    it("stops where the chain has a commitment that this one never sent", async () => {
      rig.store.save(roundOf(EPOCH));
      committed = true;
      const error = await rejection("AUDITOR_ELSEWHERE", run());
      expect(error.retryable).to.equal(false);
      expect(rig.sender.names).to.deep.equal([]);
    });

    it("stops where the other's commitment came first, and goes on where it is its own", async () => {
      const { commitment } = new OpenedRound(AUDITOR, roundOf(EPOCH));
      rig.store.save(roundOf(EPOCH));
      rig.sender.onSend = () => {
        committed = true;
        throw new Error("another transaction took the nonce");
      };
      input = `0x1234${hashOf(9).slice(2)}`;
      await rejection("AUDITOR_ELSEWHERE", run());
      input = `0x1234${commitment.slice(2)}`;
      await run();
      expect(rig.sender.names, "once").to.deep.equal(["commit"]);
    });
  });

  it("tries again what was refused, since the chain's time may be behind", async () => {
    rig.sender.onSend = () => {
      throw new Error("commit reverts: PosNotCommitEpoch");
    };
    expect((await rejection("COMMIT_FAILED", run())).retryable).to.equal(true);
  });

  describe("after a reorganisation", () => {
    const commitments = () => rig.sender.sent.map(({ args }) => args[2]);

    it("sends the same commitment again when it was taken back", async () => {
      const running = run();
      while (rig.sender.sent.length === 0) await rig.timers.advance(1_000);
      committed = false;
      await running;
      expect(commitments()).to.have.length(2);
      expect(new Set(commitments())).to.have.length(1);
      expect(rig.log.said("warn")).to.deep.equal([
        "a reorganisation removed the commitment, sending it again",
      ]);
    });

    it("makes a round anew whose seed changed before its commitment was sent", async () => {
      rig.store.save(roundOf(EPOCH, 2));
      rig.seed = hashOf(0x5f);
      await run();
      expect(rig.store.round(EPOCH)?.y).to.equal(drawKey(rig.seed, hashOf(2), AUDITOR));
      expect(rig.sender.names).to.deep.equal(["commit"]);
    });

    it("finds a seed that changed while it inspected", async () => {
      vote = async (number) => {
        rig.seed = hashOf(0x5f);
        return { number, grade: 3, evidence: evidenceOf(number) };
      };
      expect((await rejection("ROUND_STALE", run())).retryable).to.equal(true);
      expect(rig.sender.sent).to.deep.equal([]);
      await run();
      expect(commitments()).to.have.length(1);
    });

    it("never sends another commitment once one may have been sent", async () => {
      const round = roundOf(EPOCH, 2);
      rig.store.save(round);
      rig.store.markSent(EPOCH);
      rig.seed = hashOf(0x5f);
      await run();
      expect(rig.sender.sent).to.deep.equal([]);
      expect(rig.store.round(EPOCH)).to.deep.equal(round);
      expect(rig.log.said("error")).to.have.length(1);
    });
  });

  it("resumes also when it is too late to inspect", async () => {
    rig.store.save(roundOf(EPOCH));
    rig.timers.pass(90_000);
    await run();
    expect(rig.sender.names).to.deep.equal(["commit"]);
  });

  it("commits once", async () => {
    rig.store.save(roundOf(EPOCH));
    rig.store.markSent(EPOCH);
    committed = true;
    await run();
    expect(rig.sender.sent).to.deep.equal([]);
  });

  it("commits to a round without votes too, since only a reveal keeps it enrolled", async () => {
    active = () => [];
    await run();
    expect(votes).to.deep.equal([]);
    expect(rig.sender.names).to.deep.equal(["commit"]);
    expect(rig.store.round(EPOCH)).to.include({ votes: 0 });
  });

  it("leaves an epoch alone that is too old to be inspected", async () => {
    rig.timers.pass(55_001);
    await run();
    expect(rig.log.said("info")).to.deep.equal(["too late to inspect in this epoch"]);
    expect([votes.length, rig.sender.sent.length, rig.proven.length]).to.deep.equal([0, 0, 0]);
  });

  it("still inspects at the very last moment", async () => {
    rig.timers.pass(55_000);
    await run();
    expect(rig.sender.names).to.deep.equal(["commit"]);
  });

  it("leaves out a round that does not pay, before it inspects", async () => {
    pays = false;
    await run();
    expect([votes.length, rig.sender.sent.length]).to.deep.equal([0, 0]);
    expect(rig.store.round(EPOCH)).to.equal(undefined);
  });

  it("never leaves out a round that it has on disk", async () => {
    pays = false;
    rig.store.save(roundOf(EPOCH));
    await run();
    expect(rig.sender.names).to.deep.equal(["commit"]);
  });

  it("has nothing to do before it is enrolled", async () => {
    secret = undefined;
    await run();
    expect(rig.log.said("info")).to.deep.equal(["not enrolled yet"]);
    expect(rig.sender.sent).to.deep.equal([]);
    expect(rig.store.round(EPOCH)).to.equal(undefined);
  });

  it("commits to nothing once it has no stake, so that its last rounds come to an end", async () => {
    rig.chain.answers.auditorStakeAt = () => 0n;
    await run();
    expect(rig.log.said("info")).to.deep.equal(["no stake in this epoch"]);
    expect(rig.sender.sent).to.deep.equal([]);
    expect(rig.store.round(EPOCH)).to.equal(undefined);
  });

  it("keeps nothing of a round that was not inspected to the end", async () => {
    vote = (number) =>
      number === 1n ? vote2(number) : Promise.reject(new Error("the epoch is over"));
    const vote2 = async (each: bigint): Promise<Vote> => ({ number: each, grade: 0 });
    expect((await failureOf(run())).message).to.equal("the epoch is over");
    expect(rig.store.round(EPOCH)).to.equal(undefined);
    expect(rig.sender.sent).to.deep.equal([]);
  });

  it("waits for its epoch to begin", async () => {
    await run(EPOCH + 1);
    const start = DEPLOYMENT.genesis + (EPOCH + 1) * 100;
    expect(votes[0]!.at).to.be.above(start);
    expect(new Set(rig.proven)).to.deep.equal(new Set([EPOCH + 1]));
  });
});
