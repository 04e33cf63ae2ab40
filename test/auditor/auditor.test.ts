import { expect } from "chai";
import { Auditor, type Duty } from "../../src/auditor/auditor.ts";
import type { ChainTime } from "../../src/chain/clock.ts";
import { BlockcloudError } from "../../src/protocol/errors.ts";
import { AUDITOR, AuditorRig, EPOCH } from "../support/auditorRig.ts";
import { DEPLOYMENT } from "../support/fakeChain.ts";
import { FakeTime } from "../support/fakeTime.ts";

const never = (signal: AbortSignal) =>
  new Promise<void>((_, reject) => {
    signal.addEventListener("abort", () => {
      reject(new Error("aborted"));
    });
  });

describe("Auditor", () => {
  let rig: AuditorRig;
  let auditor: Auditor;
  /** `name epoch @second` of each run of a duty. */
  let runs: string[];

  let outcomes: string[];

  beforeEach(() => {
    rig = new AuditorRig();
    runs = [];
    outcomes = [];
  });
  afterEach(() => auditor.stop());

  async function start(
    duties: Record<string, Duty["run"]>,
    time: ChainTime = rig.time,
  ): Promise<void> {
    auditor = new Auditor(
      { auditor: AUDITOR },
      {
        duties: Object.entries(duties).map(([name, run]) => ({
          name,
          run: (epoch, signal) => {
            runs.push(`${name} ${epoch} @${rig.second}`);
            return run(epoch, signal);
          },
        })),
        time,
        timers: rig.timers,
        log: rig.log,
        metrics: {
          duty: (name, outcome) => {
            outcomes.push(`${name} ${outcome}`);
          },
        },
      },
    );
    await auditor.start();
    await rig.timers.advance(0);
  }

  it("runs each duty once an epoch, from the current one on", async () => {
    await start({ tick: async () => {}, audit: async () => {} });
    await rig.timers.advance(250_000);
    expect(runs).to.deep.equal(
      [0, 100, 200].flatMap((second, index) =>
        ["tick", "audit"].map((name) => `${name} ${EPOCH + index} @${second}`),
      ),
    );
    expect(rig.log.lines[0]).to.deep.include({ message: "auditor started" });
    expect(rig.log.lines[0]?.fields).to.deep.equal({ auditor: AUDITOR, epoch: EPOCH });
  });

  it("waits for epoch 1 in epoch 0, which has no seed, and says so", async () => {
    const time = new FakeTime(rig.timers, DEPLOYMENT, 0);
    await start({ tick: async () => {}, audit: async () => {} }, time);
    await rig.timers.advance(99_000);
    expect(runs).to.deep.equal([]);
    expect(rig.log.lines[1]).to.deep.include({ level: "info", fields: { seconds: 100 } });
    await rig.timers.advance(2_000);
    expect(runs.map((run) => run.split(" @")[0])).to.deep.equal(["tick 1", "audit 1"]);
    expect(rig.log.said("warn")).to.deep.equal([]);
  });

  it("lets no duty wait for another's failure, nor outlive its epoch", async () => {
    const ended: number[] = [];
    await start({
      stuck: (epoch, signal) => never(signal).finally(() => ended.push(epoch)),
      broken: () => Promise.reject(new BlockcloudError("BROKEN", "It is broken.")),
      fine: async () => {},
    });
    await rig.timers.advance(99_000);
    expect(ended).to.deep.equal([]);
    await rig.timers.advance(1_000);
    expect(ended).to.deep.equal([EPOCH]);
    expect(runs.filter((run) => run.startsWith("fine"))).to.have.length(2);
  });

  /** From then on a tenth of the epoch apart. */
  const LATER = Array.from({ length: 9 }, (_, index) => 15.5 + 10 * index);

  it("tries what may pass again, soon and then more seldom, until the epoch ends", async () => {
    await start({
      audit: () => Promise.reject(new BlockcloudError("BUSY", "Later.", { retryable: true })),
    });
    await rig.timers.advance(99_999);
    expect(runs).to.deep.equal(
      [0, 0.5, 1.5, 3.5, 7.5, ...LATER].map((second) => `audit ${EPOCH} @${second}`),
    );
    const warning = rig.log.lines.find(({ level }) => level === "warn");
    expect(warning?.message).to.equal("duty failed, trying again");
    expect(warning?.fields).to.deep.include({ duty: "audit", epoch: EPOCH, code: "BUSY" });
    await rig.timers.advance(1);
    expect(runs.at(-1)).to.equal(`audit ${EPOCH + 1} @100`);
  });

  it("retries unknown errors", async () => {
    let tries = 0;
    await start({
      audit: async () => {
        if (++tries < 3) throw new TypeError("fetch failed");
      },
    });
    await rig.timers.advance(99_000);
    expect(tries).to.equal(3);
    const audit = ["audit retried", "audit retried", "audit succeeded"];
    expect(outcomes, "the observer is notified").to.deep.equal(audit);
  });

  it("tries again what the contracts refuse, as an endpoint that is behind has them refuse", async () => {
    let tries = 0;
    await start({
      audit: async () => {
        if (++tries < 3) throw new BlockcloudError("CALL_REVERTED", "RoundsNotYet().");
      },
    });
    await rig.timers.advance(99_000);
    expect(outcomes).to.deep.equal(["audit retried", "audit retried", "audit succeeded"]);
  });

  it("leaves alone what cannot pass, till the next epoch", async () => {
    await start({ audit: () => Promise.reject(new BlockcloudError("HASH_CHAIN_UNKNOWN", "No.")) });
    await rig.timers.advance(150_000);
    expect(runs).to.deep.equal([`audit ${EPOCH} @0`, `audit ${EPOCH + 1} @100`]);
    expect(rig.log.said("error")).to.deep.equal(["duty failed", "duty failed"]);
    expect(outcomes).to.deep.equal(["audit failed", "audit failed"]);
  });

  it("skips epochs that passed while it could not run", async () => {
    await start({ audit: async () => {} });
    rig.timers.pass(350_000);
    await rig.timers.advance(1);
    expect(runs).to.deep.equal([`audit ${EPOCH} @0`, `audit ${EPOCH + 3} @350`]);
  });

  it("ends its duties when it stops, without a complaint, and starts none after", async () => {
    await start({
      stuck: (_, signal) => never(signal),
      waiting: () => Promise.reject(new Error()),
    });
    const before = rig.log.lines.length;
    await auditor.stop();
    await rig.timers.advance(500_000);
    expect(runs).to.have.length(2);
    expect(rig.log.lines).to.have.length(before);
    expect(rig.timers.sleeping).to.equal(0);
  });
});
