import { currentEpoch, type ChainClock } from "../src/chain/clock.ts";
import type { Timers } from "../src/node/timers.ts";
import { BlockcloudError } from "../src/protocol/errors.ts";
import { epochStart } from "../src/protocol/epoch.ts";
import { Download } from "./download.ts";
import { moveService } from "./move.ts";
import { paint } from "./picture.ts";
import { loseRelay } from "./relays.ts";
import type { Running } from "./running.ts";
import { MOVING_SERVICE, RELAYED_SERVICE } from "./stage.ts";
import { downloadLine, moveLine, relayLine, type Screen } from "./view.ts";

/** Epochs that claims and settlements may take after the last audited one. */
const PATIENCE_EPOCHS = 6;
/** The share of the first audited epoch at which a service moves. */
const MOVE_AT = 0.3;

/**
 * Follows the chain and shows the view until the requested epochs are complete, or the signal is aborted.
 *
 * @param epochs Without it only the signal ends it.
 */
export async function watch(
  running: Running,
  epochs: number | undefined,
  screen: Screen,
  timers: Timers,
  signal: AbortSignal,
): Promise<void> {
  const { clock, monitor, workers, first } = running;
  const last = epochs === undefined ? Number.POSITIVE_INFINITY : first + epochs - 1;
  while (!signal.aborted) {
    await monitor.refresh(clock.head().number);
    for (const helper of running.helpers) {
      const news = helper.mend();
      if (news !== undefined) screen.note(news);
    }
    const ended = workers.find((worker) => !worker.running);
    if (ended !== undefined) {
      throw new BlockcloudError("WORKER_FAILED", `${ended.name} ended: ${ended.ending}.`, {
        remedy: `Its log is in ${running.stage.folder}.`,
      });
    }
    if (running.move === undefined && isTimeToMove(clock, first)) {
      await moveUnderDownload(running, screen, timers);
      if (!signal.aborted) await loseRelayUnderDownload(running, screen);
    }
    const waitingFor = await missing(running, last);
    if (waitingFor === undefined) {
      // Includes the last events.
      screen.show(await paint(running, "nothing more"));
      return;
    }
    if (currentEpoch(clock) > last + PATIENCE_EPOCHS) {
      screen.say(`gave up waiting for ${waitingFor}`);
      return;
    }
    screen.show(await paint(running, waitingFor));
    try {
      await timers.sleep(500, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

/** A service moves, then another process takes its provider's place, and a download through the local proxy goes on. */
async function moveUnderDownload(running: Running, screen: Screen, timers: Timers): Promise<void> {
  const { stage, resolver, file, user } = running;
  const download = await Download.start(user, MOVING_SERVICE);
  try {
    running.move = await moveService(stage, MOVING_SERVICE, resolver.http, timers);
    screen.note(moveLine(running.move));
    await download.wentOn();
    await download.during(async () => {
      const successor = running.replace();
      const { workers } = running;
      // The old process ends by itself, with the download.
      const old = workers.findIndex(({ name }) => name === successor.name);
      workers.splice(old, 1, successor);
      await successor.logged("provider started");
    });
    running.download = await download.finish(file);
    screen.note(downloadLine(running.download));
  } finally {
    download.stop();
  }
}

/** A relay is killed, and a download over it goes on over another one. */
async function loseRelayUnderDownload(running: Running, screen: Screen): Promise<void> {
  const { stage, resolver, relays, relayedFile: file, workers } = running;
  const run = { service: RELAYED_SERVICE, resolver: resolver.http, relays, file, workers };
  running.relayLoss = await loseRelay(stage, run);
  screen.note(relayLine(running.relayLoss));
}

/** Moves while the auditors inspect, so that they must follow. */
function isTimeToMove(clock: ChainClock, first: number): boolean {
  const { timing } = clock;
  return clock.now() >= epochStart(timing, first) + MOVE_AT * timing.epochSeconds;
}

/** What the run still waits for; undefined if it is complete. */
export async function missing(
  running: Pick<Running, "clock" | "monitor" | "services" | "auditors" | "first">,
  last: number,
): Promise<string | undefined> {
  const { clock, monitor, services, auditors, first } = running;
  const epoch = currentEpoch(clock);
  if (epoch < first) return `epoch ${first}, from which the auditors' stake counts`;
  if (epoch <= last) {
    if (epoch === first) return "the first audits";
    return last === Number.POSITIVE_INFINITY ? "the next epoch" : `the end of epoch ${last}`;
  }
  const audited = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  const claims = audited.flatMap((each) =>
    auditors.filter(({ owner }) => {
      const round = monitor.round(owner, each);
      return !round.claimed && (round.committed || epoch <= each + 1);
    }),
  ).length;
  const open = audited.flatMap((each) =>
    services
      .filter(({ number }) => monitor.settlement(number, each) === undefined)
      // Without a quorum there is nothing to settle.
      .map(
        async ({ number }) => each > epoch - 2 || (await monitor.verdict(number, each)) !== null,
      ),
  );
  const settlements = (await Promise.all(open)).filter(Boolean).length;
  if (claims + settlements === 0) return undefined;
  return `${claims} claims and ${settlements} settlements of epochs ${first} to ${last}`;
}
