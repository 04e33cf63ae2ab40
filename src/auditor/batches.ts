import { MAX_WORDS } from "../protocol/round.ts";

/** Splits calls into transactions by their number of words; reveals come first. */
export function* batches<P extends { words: number }>(parts: readonly P[]): Generator<P[]> {
  let batch: P[] = [];
  let words = 0;
  for (const part of parts) {
    if (batch.length > 0 && words + part.words > MAX_WORDS) {
      yield batch;
      batch = [];
      words = 0;
    }
    batch.push(part);
    words += part.words;
  }
  if (batch.length > 0) yield batch;
}
