import { expect } from "chai";
import { readFileSync } from "node:fs";
import type { Hex } from "viem";
import { Challenges, challengeStates } from "../../../src/chain/challenges.ts";
import { BlockcloudError } from "../../../src/protocol/errors.ts";
import { addressOfKey } from "../../../src/protocol/signature.ts";
import { ChallengeResponder } from "../../../src/provider/duties/challengeResponder.ts";
import {
  CHALLENGER,
  EPOCH,
  FakeBook,
  reverted,
  SERVICE_KEY as KEY,
  WINDOW,
} from "../../support/fakeBook.ts";
import { DEPLOYMENT, FakeSender } from "../../support/fakeChain.ts";
import { FakeTime, FakeTimers } from "../../support/fakeTime.ts";
import { MemoryLog } from "../../support/memoryLog.ts";

const OLD_KEY: Hex = `0x${"4c".repeat(32)}`;
const OLDER_KEY: Hex = `0x${"4d".repeat(32)}`;

describe("ChallengeResponder", () => {
  let timers: FakeTimers;
  let time: FakeTime;
  let book: FakeBook;
  let sender: FakeSender;
  let log: MemoryLog;
  const running: ChallengeResponder[] = [];

  beforeEach(() => {
    timers = new FakeTimers();
    time = new FakeTime(timers, DEPLOYMENT, EPOCH);
    book = new FakeBook(time);
    sender = new FakeSender();
    sender.onSend = (call) => {
      book.take(call);
      return [];
    };
    log = new MemoryLog();
    told = [];
  });
  afterEach(async () => {
    for (const responder of running.splice(0)) await responder.stop();
    expect(timers.sleeping).to.equal(0);
  });

  async function start(...keys: Hex[]): Promise<ChallengeResponder> {
    const challenges = new Challenges(book.chain.client, DEPLOYMENT);
    const responder = new ChallengeResponder(
      { number: 7n, keys: keys.length > 0 ? keys : [KEY] },
      { deployment: DEPLOYMENT, challenges, sender: sender.asSender, time, timers, log, metrics },
    );
    running.push(responder);
    await responder.start();
    await timers.advance(1_000);
    return responder;
  }

  let told: unknown[];
  const metrics = {
    challengeOpen: (deadline: number | undefined) => {
      if (told.at(-1) !== deadline) told.push(deadline);
    },
    challengeClosed: (state: string) => told.push(state),
  };

  const said = () => log.lines.map(({ level, message }) => `${level}: ${message}`);
  const iso = (seconds: number) => new Date(seconds * 1000).toISOString();

  it("says and does nothing without a challenge", async () => {
    await start();
    await timers.advance(600_000);
    expect(said()).to.deep.equal([]);
    expect(sender.sent).to.deep.equal([]);
  });

  it("warns of a challenge, waits for its question, answers it early, and sees that it is closed", async () => {
    await start();
    const id = book.challenge();
    await timers.advance(1_000);
    expect(said()).to.deep.equal(["warn: the service is challenged"]);
    expect(log.lines[0]?.fields).to.deep.equal({
      number: 7n,
      challenge: id,
      challenger: CHALLENGER,
      key: addressOfKey(KEY),
      windowSeconds: WINDOW,
      seedSince: iso(DEPLOYMENT.genesis + (EPOCH + 1) * DEPLOYMENT.epochSeconds),
    });
    await timers.advance(250_000);
    expect(sender.sent).to.deep.equal([]);

    book.ask(id);
    await timers.advance((WINDOW * 1000) / 10);
    expect(sender.sent.map(({ address, functionName }) => [address, functionName])).to.deep.equal([
      [DEPLOYMENT.contracts.challengeBook, "respond"],
    ]);
    expect(book.challenges[0]?.state).to.equal("Answered");
    expect(said().slice(1)).to.deep.equal([
      "info: the challenge has its question",
      "info: challenge answered",
    ]);
    const until = iso(book.challenges[0]!.deadline!);
    const { deadline } = book.challenges[0]!;
    expect(told, "whoever counts is told").to.deep.equal([deadline, "Answered"]);
    expect(log.lines[1]?.fields).to.deep.equal({ number: 7n, challenge: id, until });
    await timers.advance(600_000);
    expect(log.lines).to.have.length(3);
    expect(sender.sent).to.have.length(1);
  });

  it("answers one challenge after the other", async () => {
    await start();
    for (let round = 0; round < 3; round++) {
      const id = book.challenge();
      book.ask(id);
      await timers.advance(3_000);
      expect(book.challenges.at(-1)?.state).to.equal("Answered");
    }
    expect(log.said("warn")).to.have.length(3);
    expect(sender.sent).to.have.length(3);
  });

  it("annuls a challenge that got no question, before it counts as unanswered", async () => {
    await start();
    const id = book.challenge();
    const { epochSeconds } = DEPLOYMENT;
    await timers.advance((4 * epochSeconds - 2) * 1000);
    expect(sender.sent).to.deep.equal([]);
    await timers.advance(4_000);
    expect(sender.sent.map(({ functionName, args }) => [functionName, args])).to.deep.equal([
      ["annul", [id]],
    ]);
    expect(book.challenges[0]?.state).to.equal("Annulled");
    expect(said().at(-1)).to.equal("info: challenge annulled: no seed was recorded");
  });

  it("tries an annulment again that did not get through, and takes no harm from another caller who was first", async () => {
    await start();
    book.challenge();
    sender.onSend = () => {
      throw reverted();
    };
    await timers.advance(4 * DEPLOYMENT.epochSeconds * 1000 + 5_000);
    expect(log.said("error")[0]).to.equal("the annulment did not get through, trying again");
    const tries = sender.sent.length;
    sender.onSend = () => {
      book.set(1n, "Annulled");
      throw reverted();
    };
    await timers.advance(60_000);
    expect(sender.sent).to.have.length.above(tries);
    expect(said().at(-1)).to.equal("info: challenge annulled: no seed was recorded");
  });

  it("says that a challenge without an answer is lost while it is still open, question or not", async () => {
    book.challenge();
    const late = DEPLOYMENT.epochSeconds * 256 * 1000;
    await timers.advance(late);
    await start();
    expect(log.said("error")).to.contain("the time to answer the challenge is over");
    expect(sender.sent).to.deep.equal([]);
  });

  describe("restarted", () => {
    it("answers what was opened while it was away", async () => {
      const id = book.challenge();
      book.ask(id);
      await start();
      expect(book.challenges[0]?.state).to.equal("Answered");
      expect(log.lines[0]?.fields).to.include({ until: iso(book.challenges[0]!.deadline!) });
    });

    it("takes over between the opening and the question", async () => {
      const id = book.challenge();
      const first = await start();
      await first.stop();
      book.ask(id);
      await start();
      expect(book.challenges[0]?.state).to.equal("Answered");
      expect(sender.sent).to.have.length(1);
    });

    it("takes a transaction of before the restart, mined meanwhile, for the answer", async () => {
      const id = book.challenge();
      book.ask(id);
      // Sent by the agent that was killed; it is mined before the new one's is estimated.
      sender.onSend = () => {
        book.set(id, "Answered");
        throw reverted();
      };
      await start();
      await timers.advance(60_000);
      expect(sender.sent).to.have.length(1);
      expect(log.said("error")).to.deep.equal([]);
      expect(log.said("info").at(-1)).to.equal("challenge answered");
    });

    it("takes it for the answer also when its own one reverted in the same block", async () => {
      const id = book.challenge();
      book.ask(id);
      sender.onSend = () => {
        book.set(id, "Answered");
        throw new BlockcloudError("TRANSACTION_REVERTED", "too late", { retryable: true });
      };
      await start();
      expect(log.said("error")).to.deep.equal([]);
      expect(log.said("info").at(-1)).to.equal("challenge answered");
    });

    it("does not wait for an answer that has no block yet, for that one may be stuck", async () => {
      const id = book.challenge();
      book.ask(id);
      await start();
      expect(sender.names).to.deep.equal(["respond"]);
      const { deadline } = book.challenges[0]!;
      expect(sender.options[0]).to.include({ urgent: true, deadline });
      expect(log.said("info").at(-1)).to.equal("challenge answered");
    });

    it("has nothing to do where its transaction had been mined", async () => {
      const id = book.challenge();
      book.ask(id);
      book.set(id, "Answered");
      await start();
      await timers.advance(60_000);
      expect(sender.sent).to.deep.equal([]);
      expect(said()).to.deep.equal([]);
    });
  });

  it("answers with an earlier key what froze an earlier key", async () => {
    await start(KEY, OLD_KEY, OLDER_KEY);
    for (const key of [OLDER_KEY, OLD_KEY, KEY]) {
      book.ask(book.challenge(key));
      await timers.advance(3_000);
      expect(book.challenges.at(-1)?.state).to.equal("Answered");
    }
    expect(log.said("error")).to.deep.equal([]);
  });

  it("names the key that is missing, once, and sends nothing", async () => {
    await start();
    const id = book.challenge(OLD_KEY);
    await timers.advance(5_000);
    book.ask(id);
    await timers.advance(10_000);
    expect(log.said("error")).to.deep.equal([
      "cannot answer the challenge without the key that it froze",
    ]);
    expect(log.lines.find(({ level }) => level === "error")?.fields).to.include({
      challenge: id,
      keyNeeded: addressOfKey(OLD_KEY),
    });
    expect(sender.sent).to.deep.equal([]);
  });

  it("tries again until the deadline, with growing pauses, and says each time why", async () => {
    await start();
    const id = book.challenge();
    book.ask(id);
    let failures = 0;
    sender.onSend = (call) => {
      if (time.now() < book.challenges[0]!.deadline! - 3) {
        failures += 1;
        throw new BlockcloudError("TRANSACTION_FAILED", "no ether", { retryable: true });
      }
      book.take(call);
      return [];
    };
    await timers.advance(WINDOW * 1_000);
    expect(book.challenges[0]?.state).to.equal("Answered");
    expect(failures).to.be.within(10, 30);
    expect(log.said("error")).to.have.length(failures);
    const [first] = log.lines.filter(({ level }) => level === "error");
    expect(first?.fields.error).to.have.property("code", "TRANSACTION_FAILED");
  });

  it("says when it is too late, once, and then how the challenge ended", async () => {
    await start();
    const id = book.challenge();
    book.ask(id);
    sender.onSend = () => {
      throw reverted();
    };
    await timers.advance((WINDOW + 20) * 1_000);
    const late = log.said("error").filter((line) => line.includes("is over"));
    expect(late).to.have.length(1);
    const tries = sender.sent.length;
    await timers.advance(100_000);
    expect(sender.sent).to.have.length(tries);
    book.set(id, "Unanswered");
    await timers.advance(2_000);
    expect(log.said("error").at(-1)).to.contain("challenge lost");
  });

  it("says that a challenge was annulled, or answered by somebody else", async () => {
    await start();
    for (const state of ["Annulled", "Answered"] as const) {
      const id = book.challenge();
      await timers.advance(1_000);
      book.set(id, state);
      await timers.advance(1_000);
      expect(log.said("info").at(-1)).to.contain(state.toLowerCase());
    }
    expect(sender.sent).to.deep.equal([]);
  });

  it("answers again what a reorganisation took back", async () => {
    await start();
    const id = book.challenge();
    book.ask(id);
    await timers.advance(2_000);
    book.set(id, "Open");
    await timers.advance(2_000);
    expect(book.challenges[0]?.state).to.equal("Answered");
    expect(sender.sent).to.have.length(2);
  });

  it("does not believe an answer that the chain does not know", async () => {
    await start();
    const id = book.challenge();
    book.ask(id);
    sender.onSend = () => [];
    await timers.advance(2_000);
    expect(log.said("info")).not.to.include("challenge answered");
    expect(log.said("error")).not.to.deep.equal([]);
    sender.onSend = (call) => {
      book.take(call);
      return [];
    };
    await timers.advance(5_000);
    expect(log.said("info").at(-1)).to.equal("challenge answered");
  });

  it("goes on looking after an endpoint failed, and looks no more after its stop", async () => {
    const { answers } = book.chain;
    const { openChallenge, windowSeconds } = answers;
    answers.openChallenge = answers.windowSeconds = () => {
      throw new Error("no endpoint");
    };
    const responder = await start();
    await timers.advance(5_000);
    expect(log.said("warn")).not.to.deep.equal([]);
    Object.assign(answers, { openChallenge, windowSeconds });
    book.ask(book.challenge());
    await timers.advance(3_000);
    expect(book.challenges[0]?.state).to.equal("Answered");
    await responder.stop();
    const asked = book.chain.asked("eth_call");
    book.ask(book.challenge());
    await timers.advance(60_000);
    expect(book.chain.asked("eth_call")).to.equal(asked);
  });

  it("looks often in a short window, and seldom in a long one", async () => {
    await start();
    const short = book.chain.asked("eth_call");
    await timers.advance(30_000);
    expect(book.chain.asked("eth_call") - short).to.be.within(25, 35);
    await running.pop()?.stop();
    book.chain.answers.windowSeconds = () => 86_400n;
    await start();
    const long = book.chain.asked("eth_call");
    await timers.advance(600_000);
    expect(book.chain.asked("eth_call") - long).to.be.within(9, 11);
  });

  it("knows the states by the contract's numbers", () => {
    const source = readFileSync("contracts/challenges/IChallengeBook.sol", "utf8");
    const names = /enum State \{([^}]*)\}/
      .exec(source)?.[1]
      ?.split(",")
      .map((name) => name.trim());
    expect(challengeStates).to.deep.equal(names);
  });
});
