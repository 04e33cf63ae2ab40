import { atLeast, atMost, type Outcome, type Target } from "./report.ts";
import {
  measureRelayed,
  relayedTables,
  relayedVsDirect,
  relayExtraP99Ms,
  type Relayed,
  type RelayedSettings,
} from "./sal/relayed.ts";

export const relayedSettings: RelayedSettings = {
  ...{ rounds: 7, bytes: 128 * 2 ** 20, firstBytes: 1_000 },
  ...{ killed: 20, frozen: 10, pairs: 1_000, warmPairs: 500 },
};

/** The benchmark `sal` without its other parts, for work on relays. */
export async function run(say: (message: string) => void): Promise<Outcome> {
  const results = await measureRelayed(relayedSettings, say);
  return {
    results: { ...results },
    tables: relayedTables(results),
    targets: relayTargets(results),
  };
}

/** The targets of relays. */
export function relayTargets(results: Relayed): Target[] {
  return [
    atLeast("relayedVsDirect", relayedVsDirect(results), "of direct", 0.5),
    atMost("relayExtraP99Ms", relayExtraP99Ms(results), "ms", 1),
    atMost("gapRelayLossP99Ms", results.gapP99Ms, "ms", 1_000),
    atMost("relayConnectionBytes", results.pairBytes, "bytes", 16_384),
    atMost("relayedBytesWrong", results.bytesWrong, "bytes", 0),
  ];
}
