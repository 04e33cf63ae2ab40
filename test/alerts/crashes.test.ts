import { expect } from "chai";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Alerts } from "../../src/alerts/alerts.ts";
import type { Condition } from "../../src/alerts/conditions.ts";
import { AlertStore, type AlertMessage } from "../../src/alerts/store.ts";
import { silentLogger as log } from "../../src/node/logger.ts";
import { systemTimers as timers } from "../../src/node/timers.ts";
import { Crash } from "../support/crashes.ts";

const SUBJECT = "service 7";
const moment = { number: 1n, hash: "0x" as const, timestamp: 1_800_000_000, epoch: 1_000 };
const condition = (kind: "grade" | "lease"): Condition => ({
  ...{ key: `${SUBJECT} ${kind}`, kind, subject: SUBJECT, text: `about ${kind}` },
});
/** What holds at each look at the chain. */
const LOOKS: readonly Condition[][] = [
  [condition("grade")],
  [condition("grade"), condition("lease")],
  [condition("lease")],
  [],
];

/** A worker that watches, with its disk, and a webhook that fails once. */
class Story {
  readonly folder = mkdtempSync(path.join(tmpdir(), "alert-crashes-"));
  readonly got: AlertMessage[] = [];
  #hasFailed = false;
  #look = 0;
  #now = moment.timestamp;

  /** Runs a process, and one after it if it ends at a step. */
  async run(first: Crash): Promise<void> {
    if (await this.#life(first)) return;
    expect(await this.#life(new Crash()), "the next one ends in order").to.equal(true);
  }

  async #life(crash: Crash): Promise<boolean> {
    const store = new AlertStore(path.join(this.folder, "alerts.sqlite"));
    const rounds = this.#rounds(store, crash).catch((error: unknown) => {
      if (!crash.isOver) throw error;
      return false;
    });
    try {
      return await Promise.race([rounds, crash.ended.then(() => false)]);
    } finally {
      store.close();
    }
  }

  /** The rounds of one process; it goes on with the look at which the one before ended. */
  async #rounds(store: AlertStore, crash: Crash): Promise<boolean> {
    const ended = () => {
      throw new Error("the process has ended");
    };
    const disk = {
      due: (now: number, longest: number) => (crash.isOver ? ended() : store.due(now, longest)),
      take: (...given: Parameters<AlertStore["take"]>) => {
        if (crash.reaches("before take")) ended();
        const messages = store.take(...given);
        return crash.reaches("after take") ? ended() : messages;
      },
      done: (...given: Parameters<AlertStore["done"]>) => {
        if (crash.reaches("before done")) ended();
        store.done(...given);
        if (crash.reaches("after done")) ended();
      },
      again: (...given: Parameters<AlertStore["again"]>) => {
        if (crash.reaches("before again")) ended();
        store.again(...given);
        if (crash.reaches("after again")) ended();
      },
    };
    const alerts = new Alerts(
      { everyMs: 60_000 },
      {
        reader: {
          subjects: [{ name: SUBJECT, read: () => Promise.resolve(LOOKS[this.#look] ?? []) }],
          moment: () => Promise.resolve(moment),
          gasPrice: () => Promise.resolve(1n),
        },
        store: disk as unknown as AlertStore,
        webhook: {
          deliver: crash.around("deliver", (body) => {
            this.got.push(JSON.parse(body) as AlertMessage);
            if (this.#hasFailed) return Promise.resolve();
            this.#hasFailed = true;
            return Promise.reject(new Error("the answer was lost"));
          }),
        },
        ...{ now: () => this.#now, timers, log },
      },
    );
    while (this.#look < LOOKS.length) {
      await alerts.round();
      if (crash.isOver) return false;
      this.#now += 5;
      this.#look += 1;
    }
    await alerts.round();
    return !crash.isOver;
  }
}

/** What a webhook is told, a message that comes again left out. */
function distinct(got: readonly AlertMessage[]): string[] {
  return got
    .filter(({ id }, at) => got.findIndex((other) => other.id === id) === at)
    .map(({ event, kind }) => `${event} ${kind}`);
}

describe("alerts of a process that ends at any step", () => {
  const stories: Story[] = [];
  const tell = async (crash: Crash) => {
    const story = new Story();
    stories.push(story);
    await story.run(crash);
    return story.got;
  };
  after(() => {
    for (const { folder } of stories) rmSync(folder, { recursive: true });
  });

  it("are told in order, none is lost, and one that comes again has the same id", async () => {
    const whole = new Crash();
    const told = ["fired grade", "fired lease", "cleared grade", "cleared lease"];
    const undisturbed = await tell(whole);
    expect(distinct(undisturbed)).to.deep.equal(told);
    expect(undisturbed, "the answer to the first was lost").to.have.length(told.length + 1);
    expect(new Set(whole.steps)).to.include.all.keys("before take", "after done", "after again");
    for (const [at, step] of whole.steps.entries()) {
      const got = await tell(new Crash(at));
      expect(distinct(got), `${at} ${step}`).to.deep.equal(told);
      // The delivery that fails, and the one at which the process ended.
      expect(got.length, `${at} ${step}`).to.be.at.most(told.length + 2);
      const ids = got.map(({ id }) => id);
      for (const id of ids) {
        const places = ids.flatMap((each, place) => (each === id ? [place] : []));
        const [first = 0] = places;
        expect(places, "nothing comes between").to.deep.equal(places.map((_, n) => first + n));
      }
    }
  });
});
