import { expect } from "chai";
import { decodeFunctionData, type Hex } from "viem";
import { EarnDuty } from "../../src/auditor/earnDuty.ts";
import { errorOf } from "../../src/chain/rpc/faults.ts";
import { proofOfServiceAbi } from "../../src/protocol/abi/proofOfService.ts";
import { AUDITOR, AuditorRig, EPOCH, hashOf, roundOf } from "../support/auditorRig.ts";
import { FakeRevert } from "../support/fakeChain.ts";
import { failureOf } from "../support/httpClient.ts";
import { rejection } from "../support/rejection.ts";

interface Progress {
  committed: boolean;
  revealed: number;
  claimed: bigint;
}

describe("EarnDuty", () => {
  let rig: AuditorRig;
  let duty: EarnDuty;
  let progress: Map<number, Progress>;
  let sentAt: number;

  beforeEach(() => {
    rig = new AuditorRig();
    duty = new EarnDuty({ auditor: AUDITOR }, rig.dependencies);
    progress = new Map();
    rig.chain.answers.roundOf = (_: string, epoch: number) => {
      const known = progress.get(epoch);
      return [known?.committed ?? false, known?.revealed ?? 0, known?.claimed ?? 0n];
    };
    for (let epoch = EPOCH - 10; epoch <= EPOCH; epoch++) rig.recorded.set(epoch, hashOf(epoch));
    // A chain that does what it is told.
    rig.sender.onSend = ({ args }) => {
      sentAt = rig.second;
      for (const { name, epoch, index } of (args[0] as Hex[]).map(decode)) {
        const round = progress.get(epoch)!;
        if (name === "reveal") round.revealed += 1;
        else round.claimed |= 1n << BigInt(index);
      }
      return [];
    };
  });

  function decode(data: Hex) {
    const { functionName: name, args } = decodeFunctionData({ abi: proofOfServiceAbi, data });
    const [chunk, seedEpoch] = args as unknown as [{ epoch: number; index: number }, number?];
    return { name, epoch: chunk.epoch, index: chunk.index, seedEpoch };
  }

  /** Calls of each transaction, as `reveal 49/0`. */
  function sent(): string[][] {
    return rig.sender.sent.map(({ args }) =>
      (args[0] as Hex[]).map(decode).map(({ name, epoch, index }) => `${name} ${epoch}/${index}`),
    );
  }

  function hold(epoch: number, chunks = 1, words = 1, known: Partial<Progress> = {}): void {
    rig.store.save(roundOf(epoch, chunks, words));
    const isOld = epoch < EPOCH - 1;
    progress.set(epoch, { committed: true, revealed: isOld ? chunks : 0, claimed: 0n, ...known });
  }

  const run = () => rig.timers.play(duty.run(EPOCH, rig.abort.signal));

  it("collects what was claimed, once in 24 epochs, where there is something", async () => {
    rig.sender.onSend = () => [
      { block: 1, eventName: "Collected", args: { auditor: AUDITOR, amount: 5n } },
    ];
    for (const [epoch, earned, sends] of [
      [71, 5n, 0],
      [72, 0n, 0],
      [72, 5n, 1],
    ] as const) {
      rig.chain.answers.earnedOf = () => earned;
      rig.recorded.set(epoch, hashOf(1));
      await rig.timers.play(duty.run(epoch, rig.abort.signal));
      expect(rig.sender.sent, `${epoch}`).to.have.length(sends);
    }
    const [data] = rig.sender.sent[0]!.args[0] as Hex[];
    expect(decodeFunctionData({ abi: proofOfServiceAbi, data: data! })).to.deep.equal({
      functionName: "collect",
      args: [AUDITOR],
    });
    expect(rig.log.lines.at(-1)).to.deep.include({
      message: "pay collected",
      fields: { amount: "0.000000000000000005" },
    });
  });

  it("reveals the last round and claims the ones before, in one transaction", async () => {
    hold(EPOCH - 1);
    hold(EPOCH - 2);
    hold(EPOCH - 3);
    await run();
    expect(rig.sender.names).to.deep.equal(["tryMulticall"]);
    expect(sent()).to.deep.equal([["reveal 49/0", "claim 47/0", "claim 48/0"]]);
    expect(sentAt, "early, at a random moment").to.be.within(20, 41);
  });

  it("sends nothing when there is nothing to do", async () => {
    await run();
    expect(sent()).to.deep.equal([]);
  });

  it("reveals only what is left", async () => {
    hold(EPOCH - 1, 3, 1, { revealed: 1 });
    await run();
    expect(sent()).to.deep.equal([["reveal 49/1", "reveal 49/2"]]);
  });

  it("does not reveal what was never committed", async () => {
    hold(EPOCH - 1, 1, 1, { committed: false });
    await run();
    expect(sent()).to.deep.equal([]);
    expect(rig.log.said("warn")).to.deep.equal(["the round was never committed"]);
  });

  it("says when a reveal did not get through, so that it is tried again", async () => {
    hold(EPOCH - 1);
    rig.sender.onSend = () => [
      { block: 1, eventName: "CallFailed", args: { index: 0n, reason: "0x1234" } },
    ];
    const error = await rejection("REVEAL_INCOMPLETE", run());
    expect(error.retryable).to.equal(true);
    const failed = rig.log.lines.find(({ level }) => level === "error");
    expect(failed?.fields).to.deep.equal({ kind: "reveal", epoch: EPOCH - 1, reason: "0x1234" });
  });

  it("reveals a round once that another instance's commitment forbids, and says who it is", async () => {
    hold(EPOCH - 1);
    const { data } = new FakeRevert("PosCommitmentMismatch", [AUDITOR, EPOCH - 1]);
    rig.sender.onSend = () => [
      { block: 1, eventName: "CallFailed", args: { index: 0n, reason: data } },
    ];
    await run();
    await run();
    expect(sent(), "paid for once").to.deep.equal([["reveal 49/0"]]);
    const errors = rig.log.lines.filter(({ level }) => level === "error");
    expect(errors.map(({ fields }) => fields.reason)).to.deep.equal(
      Array(2).fill(`PosCommitmentMismatch(${AUDITOR}, ${EPOCH - 1})`),
    );
    expect(errors.at(-1)?.fields.error).to.have.property("code", "AUDITOR_ELSEWHERE");
  });

  it("cuts transactions by the words that they carry, reveals first", async () => {
    hold(EPOCH - 1, 2, 256);
    hold(EPOCH - 2, 3, 200);
    hold(EPOCH - 3, 1, 112);
    await run();
    expect(sent()).to.deep.equal([
      ["reveal 49/0", "reveal 49/1"],
      ["claim 47/0", "claim 48/0", "claim 48/1"],
      ["claim 48/2"],
    ]);
  });

  describe("claims", () => {
    for (const [node, failure] of [
      ["an internal error", errorOf({ code: -32_603, message: "internal error" })],
      ["a revert without a reason", errorOf({ code: 3, message: "execution reverted" })],
    ] as const) {
      it(`are not given up, however old, for ${node} at their estimate`, async () => {
        hold(EPOCH - 9);
        rig.chain.estimates.claim = () => {
          throw failure;
        };
        await run();
        expect(sent()).to.deep.equal([]);
        delete rig.chain.estimates.claim;
        await run();
        expect(sent()).to.deep.equal([[`claim ${EPOCH - 9}/0`]]);
      });
    }

    it("go by the first seed recorded two epochs later", async () => {
      hold(EPOCH - 5);
      rig.recorded.delete(EPOCH - 3);
      const seeds: (number | undefined)[] = [];
      const take = rig.sender.onSend;
      rig.sender.onSend = (call) => {
        seeds.push(...(call.args[0] as Hex[]).map(decode).map(({ seedEpoch }) => seedEpoch));
        return take(call);
      };
      await run();
      expect(seeds).to.deep.equal([EPOCH - 2]);
    });

    it("wait for the epoch's seed, which the newest one needs", async () => {
      hold(EPOCH - 2);
      rig.recorded.delete(EPOCH);
      const running = duty.run(EPOCH, rig.abort.signal);
      await rig.timers.advance(45_000);
      expect(sent()).to.deep.equal([]);
      rig.recorded.set(EPOCH, hashOf(EPOCH));
      await rig.timers.play(running);
      expect(sent()).to.deep.equal([["claim 48/0"]]);
      expect(rig.timers.sleeping, "nothing waits on").to.equal(0);
    });

    it("go without the newest one when its seed does not come in time", async () => {
      hold(EPOCH - 1);
      hold(EPOCH - 2);
      hold(EPOCH - 3);
      rig.recorded.delete(EPOCH);
      await run();
      expect(sent()).to.deep.equal([["reveal 49/0", "claim 47/0"]]);
      expect(sentAt).to.be.within(50, 53);
      expect(rig.log.said("warn")).to.deep.equal(["the epoch's seed is not recorded yet"]);
      expect(rig.store.unclaimed(0, EPOCH - 2)).to.deep.equal([EPOCH - 2, EPOCH - 3].toSorted());
    });

    it("do not miss a seed that is there, however late it is", async () => {
      hold(EPOCH - 2);
      rig.timers.pass(80_000);
      await run();
      expect(sent()).to.deep.equal([["claim 48/0"]]);
      expect(rig.log.said("warn")).to.deep.equal([]);
    });

    it("leave out chunks that are claimed or were never revealed", async () => {
      hold(EPOCH - 2, 4, 1, { revealed: 3, claimed: 0b010n });
      await run();
      expect(sent()).to.deep.equal([["claim 48/0", "claim 48/2"]]);
    });

    it("are done with a round once nothing of it is left", async () => {
      hold(EPOCH - 2, 2);
      hold(EPOCH - 8, 1, 1, { revealed: 0 });
      await run();
      expect(rig.store.unclaimed(0, EPOCH)).to.deep.equal([EPOCH - 2]);
      await run();
      expect(rig.store.unclaimed(0, EPOCH)).to.deep.equal([]);
      expect(rig.sender.sent).to.have.length(1);
    });

    it("give up a chunk that the contract refuses for good, and go on with the others", async () => {
      hold(EPOCH - 9);
      hold(EPOCH - 8, 2);
      rig.chain.estimates.claim = ({ epoch, index }: { epoch: number; index: number }) => {
        if (epoch === EPOCH - 9 || index === 0) throw new FakeRevert("PosEvidenceMissing", [1n]);
      };
      await run();
      expect(sent()).to.deep.equal([["claim 42/1"]]);
      expect(rig.log.said("error")).to.deep.equal(Array(2).fill("a chunk cannot be claimed"));
      expect(rig.store.unclaimed(0, EPOCH)).to.deep.equal([EPOCH - 8]);
      await run();
      expect(rig.store.unclaimed(0, EPOCH), "only the hopeless chunk was left").to.deep.equal([]);
    });

    it("give up a round whose receipt is missing", async () => {
      rig.store.save({ ...roundOf(EPOCH - 8), evidence: [] });
      progress.set(EPOCH - 8, { committed: true, revealed: 1, claimed: 0n });
      await run();
      expect(sent()).to.deep.equal([]);
      expect(rig.store.unclaimed(0, EPOCH)).to.deep.equal([]);
    });

    // The endpoint may not have heard of the newest blocks.
    it("give up no young round, whatever an endpoint says of it", async () => {
      hold(EPOCH - 7, 1, 1, { revealed: 0 });
      hold(EPOCH - 6);
      rig.chain.estimates.claim = () => {
        throw new FakeRevert("PosNoSeed", [EPOCH - 6]);
      };
      await run();
      expect(sent()).to.deep.equal([]);
      expect(rig.store.unclaimed(0, EPOCH)).to.deep.equal([EPOCH - 7, EPOCH - 6]);
    });

    it("wait while gas is expensive, and the reveal does not", async () => {
      hold(EPOCH - 1);
      hold(EPOCH - 2);
      rig.sender.affordable = false;
      await run();
      expect(sent()).to.deep.equal([["reveal 49/0"]]);
      expect(rig.sender.options[0]).to.include({ urgent: true, deadline: 1_700_005_099 });
      expect(rig.store.unclaimed(0, EPOCH - 2)).to.deep.equal([EPOCH - 2]);
      rig.sender.affordable = true;
      await run();
      expect(sent().slice(1)).to.deep.equal([["claim 48/0"]]);
      expect(rig.sender.options[1]).to.include({ urgent: false });
    });

    it("go out at any price when their window ends", async () => {
      rig.sender.affordable = false;
      const late = EPOCH + 122;
      for (let epoch = EPOCH; epoch <= late; epoch++) rig.recorded.set(epoch, hashOf(epoch % 256));
      rig.timers.pass(122 * 100_000);
      for (const epoch of [EPOCH, EPOCH + 1, EPOCH + 2]) {
        hold(epoch);
        progress.get(epoch)!.revealed = 1;
      }
      await rig.timers.play(duty.run(late, rig.abort.signal));
      expect(sent(), "the last of the 128 epochs is seven away").to.deep.equal([
        ["claim 50/0", "claim 51/0"],
      ]);
      expect(rig.sender.options[0]).to.include({ urgent: true });
    });

    it("are tried again where only the endpoint failed", async () => {
      hold(EPOCH - 2);
      rig.chain.estimates.claim = () => {
        throw new Error("overloaded");
      };
      await run();
      expect(sent()).to.deep.equal([]);
      expect(rig.store.unclaimed(0, EPOCH)).to.deep.equal([EPOCH - 2]);
      delete rig.chain.estimates.claim;
      await run();
      expect(sent()).to.deep.equal([["claim 48/0"]]);
    });

    it("do not go out for what is too old to be claimed, which is forgotten", async () => {
      const old = EPOCH + 131;
      rig.timers.pass(131 * 100_000);
      rig.recorded.set(old, hashOf(1));
      hold(EPOCH);
      progress.get(EPOCH)!.revealed = 1;
      await rig.timers.play(duty.run(old, rig.abort.signal));
      expect(sent()).to.deep.equal([]);
      expect(rig.store.round(EPOCH)).to.equal(undefined);
    });
  });

  describe("after a reorganisation", () => {
    it("reveals again what it took back", async () => {
      hold(EPOCH - 1);
      const running = rejection("REVEAL_INCOMPLETE", run());
      while (sent().length === 0) await rig.timers.advance(1_000);
      progress.get(EPOCH - 1)!.revealed = 0;
      expect((await running).retryable).to.equal(true);
      await run();
      expect(sent()).to.deep.equal([["reveal 49/0"], ["reveal 49/0"]]);
    });

    it("reveals a round whose seed has changed only where the votes still stand", async () => {
      hold(EPOCH - 1);
      rig.chain.estimates.reveal = () => {
        throw new FakeRevert("PosNotDrawn", [0n]);
      };
      await run();
      expect(sent()).to.deep.equal([]);
      expect(rig.log.said("error")).to.deep.equal([
        "the epoch's seed has changed since: the round cannot be revealed",
      ]);
      delete rig.chain.estimates.reveal;
      await run();
      expect(sent()).to.deep.equal([["reveal 49/0"]]);
    });

    it("waits for a seed that is no more", async () => {
      hold(EPOCH - 1);
      rig.recorded.delete(EPOCH - 1);
      expect((await rejection("REVEAL_INCOMPLETE", run())).retryable).to.equal(true);
      expect(sent()).to.deep.equal([]);
    });
  });

  it("logs what came of it", async () => {
    hold(EPOCH - 1);
    hold(EPOCH - 2);
    const shared = { auditor: AUDITOR, index: 0 };
    rig.sender.onSend = () => {
      progress.get(EPOCH - 1)!.revealed = 1;
      return [
        { block: 1, eventName: "Revealed", args: { ...shared, epoch: EPOCH - 1, votes: 5n } },
        {
          block: 1,
          eventName: "Claimed",
          args: { ...shared, epoch: EPOCH - 2, paidVotes: 4n, reward: 9n },
        },
      ];
    };
    await run();
    const lines = rig.log.lines.filter(({ level }) => level === "info");
    expect(lines.map(({ message, fields }) => [message, fields])).to.deep.equal([
      ["round revealed", { epoch: EPOCH - 1, votes: 5n }],
      ["round claimed", { epoch: EPOCH - 2, paidVotes: 4n, reward: "0.000000000000000009" }],
    ]);
  });

  it("leaves no caller waiting when the endpoint fails or the epoch ends", async () => {
    rig.recorded.clear();
    const reason = new Error("over");
    const running = failureOf(duty.run(EPOCH, rig.abort.signal));
    await rig.timers.advance(45_000);
    rig.seeds.recorded = () => Promise.reject(new Error("overloaded"));
    await rig.timers.advance(1_000);
    expect((await running).message).to.equal("overloaded");
    expect(rig.timers.sleeping).to.equal(0);

    const again = failureOf(duty.run(EPOCH + 1, rig.abort.signal));
    rig.abort.abort(reason);
    expect(await again).to.equal(reason);
    expect(rig.timers.sleeping).to.equal(0);
  });
});
