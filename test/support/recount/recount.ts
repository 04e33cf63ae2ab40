/**
 * An independent recount of a deployment: everything that docs/protocol.md decides about money and verdicts,
 * from raw blocks, calldata and events. It shares no formula with `src/` and `contracts/`.
 */
import type { Abi } from "viem";
import { abis } from "./calls.ts";
import { Figures, questionName, type Answers, type Difference, type Question } from "./figures.ts";
import { readRecord, type ChainRecord, type Contracts, type Reader } from "./record.ts";
import { Replay } from "./replay.ts";
import type { Draw } from "./rounds.ts";
import { readTerms, type Terms } from "./terms.ts";
import { noteViews } from "./views.ts";

/** All that a recount looks at. */
export interface RecountInput {
  record: ChainRecord;
  terms: Terms;
  /** What the contracts' views say at the record's last block. */
  answers: Answers;
}

export interface RecountResult {
  /** How many figures were compared. */
  compared: number;
  /** Of which: the views by subject, the events by contract, name and argument, the rules by function. */
  kinds: ReadonlyMap<string, number>;
  differences: readonly Difference[];
  /** Who was drawn for which shards, of the rounds that were revealed. */
  draws: readonly Draw[];
}

/** Views that are asked at the same time. */
const SLICE = 64;

/** Recounts what was read, and compares it with what the chain says. */
export async function recount({ record, terms, answers }: RecountInput): Promise<RecountResult> {
  const figures = new Figures();
  const replay = await Replay.of(record, terms, figures);
  noteViews(replay);
  figures.answer(answers);
  const { compared, kinds, differences } = figures;
  return { compared, kinds, differences, draws: replay.rounds.draws() };
}

/** Reads a chain up to its newest block: blocks, transactions, receipts, and the contracts' views. */
export async function readInput(client: Reader, contracts: Contracts): Promise<RecountInput> {
  const head = await client.getBlockNumber();
  const record = await readRecord(client, contracts, head);
  const terms = await readTerms(client, record.contracts, head);
  const figures = new Figures();
  noteViews(await Replay.of(record, terms, figures));
  const asked = new Map(
    figures.questions.map(({ question }) => [questionName(question), question]),
  );
  return { record, terms, answers: await ask(client, record, [...asked.values()]) };
}

/** Asks views; several return values are read by their place. */
async function ask(
  client: Reader,
  { contracts, blocks }: ChainRecord,
  questions: readonly Question[],
): Promise<Answers> {
  const answers = new Map<string, unknown>();
  for (let next = 0; next < questions.length; next += SLICE) {
    await Promise.all(
      questions.slice(next, next + SLICE).map(async (question) => {
        const { contract, functionName, args } = question;
        const abi: Abi = abis[contract];
        const answer = await client.readContract({
          address: contracts[contract],
          abi,
          functionName,
          args: args ?? [],
          blockNumber: blocks.at(-1)!.number,
        });
        answers.set(questionName(question), answer);
      }),
    );
  }
  return answers;
}
