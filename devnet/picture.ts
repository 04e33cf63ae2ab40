import { currentEpoch } from "../src/chain/clock.ts";
import { epochStart } from "../src/protocol/epoch.ts";
import type { Running } from "./running.ts";
import type { Fault } from "./upstreams.ts";
import type { Picture } from "./view.ts";

/** Verdicts that the view shows. */
const VERDICTS_SHOWN = 10;

/** What the view shows now. */
export async function paint(running: Running, waitingFor: string): Promise<Picture> {
  const { stage, clock, monitor, visitors, first } = running;
  const epoch = currentEpoch(clock);
  const services = [...running.services, ...(await visitors.services(running.services))];
  const known = [...running.auditors.map(({ owner }) => owner), ...monitor.auditors];
  const auditors = [...new Set(known)];
  const { epochSeconds } = clock.timing;
  const seconds = clock.now() - epochStart(clock.timing, epoch);
  const final = Array.from({ length: VERDICTS_SHOWN }, (_, index) => epoch - 1 - index)
    .map((each) => each - 1)
    .filter((each) => each >= first)
    .reverse();
  const epochs = Array.from(
    { length: Math.max(0, epoch - first + 1) },
    (_, index) => first + index,
  );
  const faulty = running.services.find(({ healthy }) => !healthy);
  return {
    rpcUrl: stage.devnet.rpcUrl,
    epoch,
    seconds,
    epochSeconds,
    phase: phaseAt(seconds / epochSeconds),
    waitingFor,
    services: await Promise.all(
      services.map(async ({ number, name, className }) => ({
        number,
        name,
        className,
        stake: await visitors.serviceStake(number, epoch),
        verdicts: await Promise.all(final.map((each) => monitor.verdict(number, each))),
        reward: epochs.reduce(
          (sum, each) => sum + (monitor.settlement(number, each)?.reward ?? 0n),
          0n,
        ),
      })),
    ),
    auditors: await Promise.all(
      auditors.map(async (owner) => {
        const rounds = epochs.map((each) => monitor.round(owner, each));
        return {
          address: owner,
          stake: await visitors.auditorStake(owner, epoch),
          rounds: rounds.filter((round) => round.committed).length,
          votes: rounds.reduce((sum, round) => sum + round.votes, 0),
          paidVotes: rounds.reduce((sum, round) => sum + round.paidVotes, 0),
          reward: rounds.reduce((sum, round) => sum + round.reward, 0n),
        };
      }),
    ),
    ...(await earnings(running, epoch - 2)),
    gasPerAudit: monitor.gasPerAudit,
    resolver: running.resolver,
    environment: running.environment,
    console: running.console,
    move: running.move,
    download: running.download,
    relayLoss: running.relayLoss,
    paying: await running.user.look(clock.head().number),
    faulty: { number: faulty?.number ?? 0n, does: faultText(running.faultNow()) },
  };
}

/** What a fault does, for people. */
function faultText(fault: Fault): string {
  if (fault.kind === "slow") return `slow now, by ${fault.milliseconds} ms`;
  return fault.kind === "down" ? "down now: it answers 503" : "healthy now";
}

/** What was paid for epochs up to one that is final. */
async function earnings(
  { monitor, services, auditors, first }: Running,
  last: number,
): Promise<Pick<Picture, "settled" | "claimed">> {
  const epochs = Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
  const settled = epochs.flatMap((epoch) =>
    services.flatMap(({ number, name }) => {
      const settlement = monitor.settlement(number, epoch);
      if (settlement === undefined) return [];
      const { reward } = settlement;
      return [
        monitor
          .verdict(number, epoch)
          .then((verdict) => ({ epoch, number, name, verdict, reward })),
      ];
    }),
  );
  const claimed = epochs.flatMap((epoch) =>
    auditors.flatMap(({ owner }) => {
      const { claimed: done, paidVotes, votes, reward } = monitor.round(owner, epoch);
      return done ? [{ epoch, address: owner, paidVotes, votes, reward }] : [];
    }),
  );
  return { settled: await Promise.all(settled), claimed };
}

function phaseAt(share: number): string {
  if (share < 0.15) return "proving the seed";
  if (share < 0.55) return "inspecting; revealing and claiming earlier epochs";
  return share < 0.8 ? "committing" : "waiting for the next epoch";
}
