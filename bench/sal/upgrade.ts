import path from "node:path";
import type { Round } from "../../test/support/namespaces/messages.ts";
import { NatNetwork, type NatKind } from "../../test/support/namespaces/natNetwork.ts";
import { NatRig } from "../../test/support/namespaces/natRig.ts";
import { quantile, rounded } from "../quantiles.ts";
import { atLeast, atMost, type Table, type Target } from "../report.ts";

/** One way between client, provider and relay, milliseconds, if the kernel can delay. */
const DELAY_MS = 10;
/** Pause between two pieces of 8 KiB of the flow, milliseconds. */
const PAUSE_MS = 1;

export interface UpgradeSettings {
  /** Sessions behind NATs that drop, and behind others. */
  cones: number;
  others: number;
}

/** One pair of NATs. */
interface Pair {
  client: NatKind;
  provider: NatKind;
  rounds: Round[];
}

export interface Upgrades {
  /** What is missing to measure; undefined if all is there. */
  missing: string | undefined;
  /** One way between the hosts; 0 if the kernel cannot delay. */
  delayMs: number;
  pairs: Pair[];
}

const PAIRS: readonly [client: NatKind, provider: NatKind][] = [
  ["cone", "cone"],
  ["rst", "rst"],
  ["random", "random"],
];

/** Flows of sessions that begin at a relay between two hosts behind NATs, in network namespaces. */
export async function measureUpgrades(
  { cones, others }: UpgradeSettings,
  say: (message: string) => void,
): Promise<Upgrades> {
  const { missing } = NatNetwork;
  if (missing !== undefined) {
    say(`direct paths are not measured: ${missing} is missing`);
    return { missing, delayMs: 0, pairs: [] };
  }
  let delayMs = 0;
  const pairs: Pair[] = [];
  for (const [client, provider] of PAIRS) {
    say(`direct paths: NATs of the kinds ${client} and ${provider}`);
    const count = client === "cone" ? cones : others;
    const rig = new NatRig({
      ...{ client, provider },
      clientFile: path.join(import.meta.dirname, "upgradeClient.ts"),
      clientSetting: { rounds: count },
      providerSetting: { pauseMs: PAUSE_MS, direct: { triesPerMinute: 1_000 }, isQuiet: true },
    });
    try {
      await rig.start();
      delayMs = rig.network.delay(DELAY_MS) ? DELAY_MS : 0;
      const rounds: Round[] = [];
      rig.begin();
      while (rounds.length < count) rounds.push((await rig.next("round")).round);
      pairs.push({ client, provider, rounds });
    } finally {
      await rig.stop();
    }
  }
  return { missing, delayMs, pairs };
}

export function upgradesTable({ missing, delayMs, pairs }: Upgrades): Table {
  const delay = delayMs === 0 ? "no delay: the kernel has no netem" : `${delayMs} ms one way`;
  return {
    title: `Direct paths between two hosts behind NATs (${missing === undefined ? delay : `not measured: ${missing} is missing`})`,
    columns: [
      "client's NAT",
      "provider's",
      "sessions",
      "punched",
      "p50 ms",
      "p99 ms",
      "gap p99 ms",
      "quiet p99 ms",
    ],
    rows: pairs.map(({ client, provider, rounds }) => {
      const times = rounds.map(({ punchMs }) => punchMs);
      return [
        ...[client, provider, rounds.length, rounds.filter(isPunched).length],
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
  const of = (kind: NatKind) => pairs.find(({ client }) => client === kind)?.rounds ?? [];
  const cones = of("cone");
  if (cones.length === 0) return [];
  const punched = cones.filter(isPunched);
  const p99 = (rounds: readonly Round[], pick: (round: Round) => number) =>
    quantile(rounds.map(pick), 0.99);
  const gap = p99(punched, ({ gapMs }) => gapMs) - p99(punched, ({ quietMs }) => quietMs);
  const wrong = pairs.flatMap(({ rounds }) => rounds).reduce((sum, each) => sum + each.wrong, 0);
  return [
    atLeast("punchConeRate", rounded(punched.length / cones.length, 3), "of 1", 1),
    atMost(
      "punchP99Ms",
      rounded(
        p99(punched, ({ punchMs }) => punchMs),
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
