import { payQuarters, providerPay, reportPay } from "../../src/protocol/pay.ts";
import { LANES } from "../../src/protocol/sortition.ts";
import {
  addReport,
  isWellFormed,
  lanesOf,
  readReportWord,
  reportWord,
  verdictOf,
  type Grade,
} from "../../src/protocol/tally.ts";
import { decimals, times, type Random } from "./random.ts";

const MASK = (1n << 240n) - 1n;

/** Report words: votes (4 is an abstention; 15 per word), and malformed words. */
export function reportWordVectors(random: Random) {
  const words = [
    reportWord(0, []),
    reportWord(
      65_535,
      times(LANES, () => 3),
    ),
    reportWord(
      1,
      times(LANES, () => 0),
    ),
    ...times(20, () => reportWord(random.below(65_536), randomVotes(random))),
  ];
  const malformed = [
    0x2n, // a vote of 2
    0xfn,
    0x11n, // FAILED and POOR at once
    0x1001n,
    0x1111n,
    0x111n, // three votes, whose sum has bit 0 set
    0x3000n << 224n,
    0x0101n << 112n,
    ...times(8, (i) => (words[i + 3] ?? 0n) | (0x11n << BigInt(16 * random.below(LANES)))),
  ];
  const all = [...words, ...malformed];
  return {
    word: decimals(words),
    offset: decimals(words.map((word) => readReportWord(word).offset)),
    votes: decimals(words.flatMap((word) => readReportWord(word).votes.map((vote) => vote ?? 4))),
    checked: decimals(all),
    wellFormed: all.map(isWellFormed),
  };
}

/** A chain of additions, the tally after each, and the verdicts of its lanes (4 without quorum). */
export function tallyVectors(random: Random) {
  let tally = 0n;
  const steps: { tag: bigint; votes: bigint; weight: number; tally: bigint }[] = [];
  // Tags rise from time to time, because the ring wraps: each rise must drop the old word.
  for (const [tag, additions] of [
    [0n, 4],
    [1n, 7],
    [1n, 2],
    [4095n, 9],
    [0n, 5],
  ] as const) {
    for (let i = 0; i < additions; i++) {
      const votes = reportWord(0, randomVotes(random));
      const weight = i === 3 ? 15 : 1 + random.below(4);
      tally = addReport(tally, tag, votes, BigInt(weight));
      steps.push({ tag, votes, weight, tally });
    }
  }
  const lanes = steps.flatMap((step) => lanesOf(step.tally));
  return {
    tag: decimals(steps.map((step) => step.tag)),
    votes: decimals(steps.map((step) => step.votes)),
    weight: decimals(steps.map((step) => step.weight)),
    tally: decimals(steps.map((step) => step.tally)),
    verdict: decimals(lanes.map((counts) => verdictOf(counts) ?? 4)),
    counted: decimals(lanes.map((counts) => counts.reduce((sum, count) => sum + count, 0))),
  };
}

/** The table of quarters (vote by verdict), pay of reports and of providers. */
export function payVectors(random: Random) {
  const grades = [0, 1, 2, 3] as const;
  const reports = times(24, (i) => {
    let tally = 0n;
    const additions = i % 3 === 0 ? 1 : 1 + random.below(6);
    for (let k = 0; k < additions; k++) {
      // Every third tally counts the same weight in all lanes, for the contract's fast path.
      const votes =
        i % 3 === 0 ? times(LANES, () => random.below(4) as Grade) : randomVotes(random);
      tally = addReport(
        tally,
        0n,
        reportWord(0, votes),
        BigInt(i % 3 === 0 ? 3 : 1 + random.below(4)),
      );
    }
    const word = reportWord(random.below(65_536), randomVotes(random));
    const budget = i === 0 ? 0n : i === 1 ? (1n << 96n) - 1n : random.uint(88);
    const active = i === 2 ? 4_294_967_295n : BigInt(1 + random.below(10_000));
    return { tally, word, budget, active, ...reportPay(tally, word, budget, active) };
  });
  const providers = times(16, (i) => {
    const total = random.uint(92) + 1n;
    const stake = i === 0 ? total : random.uint(91) % total;
    const budget = random.uint(i === 1 ? 96 : 80);
    const grade = (i % 4) as Grade;
    return { budget, stake, total, grade, pay: providerPay(budget, stake, total, grade) };
  });
  return {
    quarters: decimals(
      grades.flatMap((vote) => grades.map((verdict) => payQuarters(vote, verdict))),
    ),
    tally: decimals(reports.map((report) => report.tally)),
    word: decimals(reports.map((report) => report.word)),
    budget: decimals(reports.map((report) => report.budget)),
    active: decimals(reports.map((report) => report.active)),
    reportPay: decimals(reports.map((report) => report.pay)),
    paidVotes: decimals(reports.map((report) => report.paidVotes)),
    providerBudget: decimals(providers.map((provider) => provider.budget)),
    stake: decimals(providers.map((provider) => provider.stake)),
    total: decimals(providers.map((provider) => provider.total)),
    grade: decimals(providers.map((provider) => provider.grade)),
    providerPay: decimals(providers.map((provider) => provider.pay)),
  };
}

/** Sets of active lanes, and the words that keep the votes on them. */
export function activeLanesVectors(random: Random) {
  const lanes = [0, 1, 1 << 14, 0x7fff, 0x5555, 0x2aaa, ...times(10, () => random.below(1 << 15))];
  const words = lanes.map(() =>
    reportWord(
      0,
      times(LANES, () => random.below(4) as Grade),
    ),
  );
  return {
    lanes: decimals(lanes),
    word: decimals(words),
    // Lane by lane, by the text of the protocol.
    kept: decimals(
      words.map((word, i) =>
        reportWord(
          0,
          readReportWord(word & MASK).votes.map((vote, lane) =>
            ((lanes[i] ?? 0) >> lane) & 1 ? vote : null,
          ),
        ),
      ),
    ),
  };
}

function randomVotes(random: Random): (Grade | null)[] {
  return times(LANES, () => {
    const vote = random.below(5);
    return vote === 4 ? null : (vote as Grade);
  });
}
