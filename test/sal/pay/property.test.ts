import { expect } from "chai";
import fc from "fast-check";
import { BlockcloudError } from "../../../src/protocol/errors.ts";
import { collect } from "../rig/salRig.ts";
import "../../support/arbitraries.ts";
import { runs } from "../../support/runs.ts";
import type { Flow } from "../../../src/sal/session/flow.ts";
import type { FakeCollectorTab } from "./rig/fakeCollector.ts";
import { PayRig, SINK } from "./rig/payRig.ts";

const TRANCHE = 64 * 1024;

/** What may happen to payer and provider, and to the path between them. */
const step = fc.oneof(
  fc.record({ what: fc.constant("download" as const), bytes: fc.nat(600_000) }),
  fc.record({ what: fc.constant("upload" as const), bytes: fc.nat(600_000) }),
  fc.record({
    what: fc.constantFrom(...(["cut", "move", "stall", "pay", "end", "client", "abort"] as const)),
    bytes: fc.constant(0),
  }),
);
const play = fc.array(fc.tuple(step, fc.nat(300)), { minLength: 1, maxLength: 14 });

describe("a payer and a collector, whatever happens between them", () => {
  it("owe each other at most a window, and nothing in the end", async () => {
    await fc.assert(
      fc.asyncProperty(play, async (steps) => {
        const rig = new PayRig({ trancheBytes: TRANCHE, pay: { graceMs: 60_000 } });
        const { collector, wallet } = rig;
        const seen = new Set<FakeCollectorTab>();
        const open = collector.open.bind(collector);
        collector.open = async (opening) => {
          const tab = await open(opening);
          watch(tab as FakeCollectorTab);
          return tab;
        };
        /** The window is never exceeded, at no moment. */
        function watch(tab: FakeCollectorTab): void {
          if (seen.has(tab)) return;
          seen.add(tab);
          const charge = tab.charge.bind(tab);
          tab.charge = (amount) => {
            charge(amount);
            const window = BigInt(2 * TRANCHE) > tab.paid ? BigInt(2 * TRANCHE) : tab.paid;
            expect(tab.charged - tab.paid <= window, "the window").to.equal(true);
          };
        }
        let stalled = Promise.withResolvers<undefined>();
        const clients = [rig.client];
        const flows: Flow[] = [];
        const ends: Promise<unknown>[] = [];
        const begin = async (bytes: number, isUpload: boolean) => {
          const flow = await rig.client.connect("weather", isUpload ? SINK : 70);
          flows.push(flow);
          const got = collect(flow);
          flow.end(isUpload ? Buffer.alloc(bytes) : String(bytes));
          const answer = (await got).toString("latin1");
          expect(isUpload ? Number(answer) : answer.length).to.equal(bytes);
        };
        for (const [{ what, bytes }, pause] of steps) {
          if (what === "download" || what === "upload") {
            ends.push(
              begin(bytes, what === "upload").catch((error: unknown) => {
                // The service has gone elsewhere, or the path has broken, before the session began; or the test
                // itself gave the flow up.
                const early = ["SAL_NO_PATH", "SAL_SESSION_LOST"];
                if (error instanceof BlockcloudError && early.includes(error.code)) return;
                const isOwn = flows.some(({ destroyed, errored }) => destroyed && errored === null);
                if (!isOwn) throw error;
              }),
            );
          } else if (what === "cut") rig.cut();
          else if (what === "move") {
            rig.move();
            rig.cut();
          } else if (what === "stall") wallet!.pays = stalled.promise;
          else if (what === "pay") {
            wallet!.pays = Promise.resolve();
            stalled.resolve(undefined);
            stalled = Promise.withResolvers<undefined>();
          } else if (what === "end") [...collector.tabs.values()].at(-1)?.end();
          else if (what === "abort") flows.find(({ destroyed }) => !destroyed)?.destroy();
          else clients.push((rig.client = rig.createClient()));
          await rig.clock.advance(pause);
        }
        wallet!.pays = Promise.resolve();
        stalled.resolve(undefined);
        await rig.clock.play(Promise.all(ends));
        await rig.clock.advance(5_000);
        for (const [index, ours] of wallet!.tabs.entries()) {
          const theirs = collector.tabs.get(ours.tab);
          if (theirs === undefined) continue;
          const owed = Number(theirs.charged - theirs.paid);
          // Of a tab that has ended, and of flows that were given up, what was under way is uncertain; a wei is proof.
          const isLast = index === wallet!.tabs.length - 1;
          const isCertain =
            isLast && steps.every(([{ what }]) => what !== "abort" && what !== "end");
          expect(owed, "owed").to.be.at.most(isCertain ? 0 : 2 * TRANCHE);
          const proofs = clients.length + steps.length;
          expect(-owed, "paid ahead").to.be.at.most(isCertain ? proofs : 2 * TRANCHE + proofs);
        }
        for (const client of clients) client.close();
        rig.stop();
        await rig.clock.advance(20_000);
        expect(rig.clock.waiting).to.equal(0);
      }),
      { numRuns: runs(60, 400) },
    );
  });
});
