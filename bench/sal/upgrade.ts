import path from "node:path";
import type { Round } from "../../test/support/namespaces/messages.ts";
import { NatNetwork, type NatKind } from "../../test/support/namespaces/natNetwork.ts";
import { NatRig } from "../../test/support/namespaces/natRig.ts";
import { quantile, rounded } from "../quantiles.ts";
import { atLeast, atMost, type Table, type Target } from "../report.ts";

/** One way between two of client, provider and relay, milliseconds, where packets can be delayed. */
const DELAY_MS = 10;
/** Pause between two pieces of 8 KiB of the flow, milliseconds; a path with delays is a slow program. */
const PAUSE_MS = { plain: 1, delayed: 4 };

export interface UpgradeSettings {
  /** Sessions behind NATs that drop, and behind others. */
  cones: number;
  others: number;
}

/** One pair of NATs. */
interface Pair {
  /** One way between the hosts, milliseconds. */
  delayMs: number;
  client: NatKind;
  provider: NatKind;
  rounds: Round[];
}

export interface Upgrades {
  /** What is missing to measure; undefined if all is there. */
  missing: string | undefined;
  pairs: Pair[];
}

const PAIRS: readonly [client: NatKind, provider: NatKind, delayMs: number][] = [
  ["cone", "cone", 0],
  ["rst", "rst", 0],
  ["random", "random", 0],
  ["cone", "cone", DELAY_MS],
];

/** Flows of sessions that begin at a relay between two hosts behind NATs, in network namespaces. */
export async function measureUpgrades(
  { cones, others }: UpgradeSettings,
  say: (message: string) => void,
): Promise<Upgrades> {
  const { missing } = NatNetwork;
  if (missing !== undefined) {
    say(`direct paths are not measured: ${missing} is missing`);
    return { missing, pairs: [] };
  }
  const pairs: Pair[] = [];
  for (const [client, provider, delayMs] of PAIRS) {
    if (delayMs > 0 && !NatNetwork.canDelay) {
      say("paths with delays are not measured: /dev/net/tun or python3 is missing");
      continue;
    }
    say(`direct paths: NATs of the kinds ${client} and ${provider}, ${delayMs} ms one way`);
    const count = client === "cone" && delayMs === 0 ? cones : others;
    const pauseMs = delayMs === 0 ? PAUSE_MS.plain : PAUSE_MS.delayed;
    const rig = new NatRig({
      ...{ client, provider },
      clientFile: path.join(import.meta.dirname, "upgradeClient.ts"),
      isReal: true,
      clientSetting: { rounds: count },
      providerSetting: { pauseMs, direct: { triesPerMinute: 1_000 }, isQuiet: true },
    });
    try {
      await rig.start(() => {
        if (delayMs > 0) rig.network.delay(delayMs);
      });
      const rounds: Round[] = [];
      rig.begin();
      while (rounds.length < count) rounds.push((await rig.next("round")).round);
      pairs.push({ client, provider, delayMs, rounds });
    } finally {
      await rig.stop();
    }
  }
  return { missing, pairs };
}

export function upgradesTable({ missing, pairs }: Upgrades): Table {
  const note = missing === undefined ? "" : `, not measured: ${missing} is missing`;
  return {
    title: `Relayed flows that go on over direct paths, between two hosts behind NATs${note}`,
    columns: [
      "client's NAT",
      "provider's",
      "one way ms",
      "sessions",
      "punched",
      "p50 ms",
      "p99 ms",
      "gap p99 ms",
      "quiet p99 ms",
    ],
    rows: pairs.map(({ client, provider, delayMs, rounds }) => {
      const times = rounds.map(({ punchMs }) => punchMs);
      return [
        ...[client, provider, delayMs, rounds.length, rounds.filter(isPunched).length],
        ...[rounded(quantile(times, 0.5), 1), rounded(quantile(times, 0.99), 1)],
        rounded(
          quantile(
            rounds.map(({ gapMs }) => gapMs),
            0.99,
          ),
          1,
        ),
        rounded(
          quantile(
            rounds.map(({ quietMs }) => quietMs),
            0.99,
          ),
          1,
        ),
      ];
    }),
  };
}

/** None if the measurement was not possible. */
export function upgradeTargets({ pairs }: Upgrades): Target[] {
  const of = (kind: NatKind) =>
    pairs.find(({ client, delayMs }) => client === kind && delayMs === 0)?.rounds ?? [];
  const cones = of("cone");
  if (cones.length === 0) return [];
  const conePairs = pairs.filter(({ client }) => client === "cone");
  const all = conePairs.flatMap(({ rounds }) => rounds);
  const p99 = (rounds: readonly Round[], pick: (round: Round) => number) =>
    quantile(rounds.map(pick), 0.99);
  // Of the path with delays, too: the worse one counts.
  const gap = Math.max(
    ...conePairs.map(({ rounds }) => {
      const punched = rounds.filter(isPunched);
      return p99(punched, ({ gapMs }) => gapMs) - p99(punched, ({ quietMs }) => quietMs);
    }),
  );
  const wrong = pairs.flatMap(({ rounds }) => rounds).reduce((sum, each) => sum + each.wrong, 0);
  return [
    atLeast("punchConeRate", rounded(all.filter(isPunched).length / all.length, 3), "of 1", 1),
    atMost(
      "punchP99Ms",
      rounded(
        p99(all.filter(isPunched), ({ punchMs }) => punchMs),
        1,
      ),
      "ms",
      500,
    ),
    atMost(
      "punchFallbackMs",
      rounded(Math.max(...of("rst").map(({ punchMs }) => punchMs)), 1),
      "ms",
      1_500,
    ),
    atMost("gapUpgradeP99Ms", rounded(Math.max(0, gap), 1), "ms", 50),
    atMost("upgradeBytesWrong", wrong, "bytes", 0),
  ];
}

function isPunched({ path: kind }: Round): boolean {
  return kind === "punched";
}
